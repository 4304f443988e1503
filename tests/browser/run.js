// Signing in with a real browser, against the real program and the stand-in platforms.
//
//   node tests/browser/run.js target/debug
//
// Needs what tests/tools puts below target/tools, and Chromium. Ends with one line `N passed, N failed`.
'use strict';

const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');

const root = path.join(__dirname, '..', '..');
const built = path.resolve(process.argv[2] || path.join(root, 'target', 'debug'));
const tools = path.join(root, 'target', 'tools', 'browser', 'package.json');
const chromium = process.env.CHROMIUM || '/usr/bin/chromium';
for (const [needed, how] of [
  [path.join(path.dirname(tools), 'node_modules', 'playwright-core'), 'run tests/tools'],
  [chromium, 'apt-get install chromium'],
  [path.join(built, 'tillsync'), 'cargo build -p tillsync'],
  [path.join(built, 'examples', 'sandbox'), 'cargo build -p tillsync-sandbox --example sandbox'],
]) {
  if (!fs.existsSync(needed)) {
    console.error(`tests/browser: ${needed} is missing: ${how}`);
    process.exit(1);
  }
}
const from = createRequire(tools);
const playwright = from('playwright-core');
const { AxeBuilder } = from('@axe-core/playwright');

// Nothing here takes longer, unless it hangs.
const PATIENCE = 30_000;
const children = new Set();

function check(holds, what) {
  if (!holds) throw new Error(what);
}

// A program with its output as it comes.
function program(file, args, env) {
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  children.add(child);
  const it = { child, out: '', err: '' };
  child.stdout.on('data', (text) => { it.out += text; });
  child.stderr.on('data', (text) => { it.err += text; });
  it.ended = new Promise((resolve) => child.on('close', (status) => {
    children.delete(child);
    resolve(status);
  }));
  return it;
}

async function until(what, look) {
  const began = Date.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() - began > PATIENCE) throw new Error(`it never comes: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

class World {
  static async start() {
    const world = new World();
    world.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tillsync-browser-'));
    world.sandbox = program(path.join(built, 'examples', 'sandbox'), ['20', '10'], process.env);
    await until('the stand-ins', () => world.sandbox.out.includes('\n'));
    world.told = JSON.parse(world.sandbox.out);
    world.locations = world.told.locations.filter((one) => one.status === 'ACTIVE').map((one) => one.id);
    world.env = {
      PATH: process.env.PATH,
      TILLSYNC_ALLOW_LOOPBACK: 'true',
      TILLSYNC_SQUARE_API_URL: world.told.square_url,
      TILLSYNC_SQUARE_APPLICATION_ID: world.told.square_application_id,
      TILLSYNC_SQUARE_APPLICATION_SECRET: world.told.square_application_secret,
      TILLSYNC_DESTINATION_KEY: world.told.activecampaign_key,
    };
    world.browser = await playwright.chromium.launch({
      executablePath: chromium,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
    return world;
  }

  // The program over the data directory of this world.
  run(args, env = {}) {
    return program(path.join(built, 'tillsync'), [...args, '--data', path.join(this.dir, 'data')],
      { ...this.env, ...env });
  }

  async answer(args, env) {
    const it = this.run([...args, '--json'], env);
    const status = await it.ended;
    check(it.out.trim(), `no answer: ${it.err}`);
    return { status, json: JSON.parse(it.out), err: it.err };
  }

  async serve() {
    this.server = this.run(['serve', '--listen', '127.0.0.1:0']);
    return until('the link of serve', () => /^console: (\S+)$/m.exec(this.server.err)?.[1]);
  }

  async stopServing() {
    this.server.child.kill('SIGTERM');
    await this.server.ended;
  }

  // A connect by sign-in that waits, and its link.
  async connecting(name, location, env) {
    const args = ['connect', 'square', '--oauth', '--name', name, '--destination-url', this.told.activecampaign_url];
    if (location) args.push('--location', location);
    return this.waiting([...args, '--json'], env);
  }

  async waiting(args, env) {
    const it = this.run(args, env);
    it.link = await until('a link', () => {
      if (it.child.exitCode !== null) throw new Error(`it ended: ${it.out} ${it.err}`);
      return /^(http\S+\/enter\/\S+)$/m.exec(it.err)?.[1];
    });
    return it;
  }

  async set(settings) {
    const response = await fetch(`${this.told.control_url}/settings`, { method: 'POST', body: JSON.stringify(settings) });
    check(response.ok, `the stand-in refuses ${JSON.stringify(settings)}`);
  }

  async page() {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    return page;
  }

  // Time passes for every sign-in that was begun.
  late() {
    const database = fs.readdirSync(path.join(this.dir, 'data')).find((name) => /\.(db|sqlite3?)$/.test(name));
    execFileSync('python3', ['-c', `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
for pk, sk, body in db.execute("select pk, sk, body from items where pk like 'STATE#%'").fetchall():
    row = json.loads(body)
    row["until"] = "2020-01-01T00:00:00Z"
    db.execute("update items set body = ? where pk = ? and sk = ?", (json.dumps(row), pk, sk))
db.commit()
`, path.join(this.dir, 'data', database)]);
  }

  async stop() {
    await this.browser.close();
    for (const child of children) child.kill('SIGKILL');
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

// The page that stands there says this, can be read by everybody, and loads nothing from elsewhere.
async function stands(page, { title, code, text }) {
  await page.waitForSelector('h1');
  const shown = await page.innerText('main');
  check((await page.innerText('h1')) === title, `${await page.innerText('h1')} instead of ${title}: ${shown}`);
  if (code) check((await page.locator('code').allInnerTexts()).includes(code), `${code} is not on the page: ${shown}`);
  if (text) check(shown.includes(text), `${text} is not on the page: ${shown}`);
  const ground = await page.evaluate(() => getComputedStyle(document.querySelector('main')).maxWidth);
  check(ground !== 'none', 'the style is not applied: the policy refuses it');
  const found = await new AxeBuilder({ page }).analyze();
  const words = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`);
  check(words.length === 0, `axe: ${words.join('; ')}`);
}

const SIGNED = 'You are signed in';
const REFUSED = 'This did not work';

async function press(page, button) {
  await page.waitForSelector('form');
  await page.click(`button:has-text("${button}")`);
}

// The address the browser is sent back to, without following it.
async function back(page, link) {
  await page.goto(link);
  await page.waitForSelector('form');
  const ticket = await page.inputValue('input[name=ticket]');
  const pressed = await page.request.post(new URL('/oauth2/authorize', page.url()).href,
    { form: { ticket, answer: 'allow' }, maxRedirects: 0 });
  return pressed.headers().location;
}

const cases = {
  'connect: allow, and the command goes on': async (world) => {
    const page = await world.page();
    const command = await world.connecting('First', world.locations[0]);
    await page.goto(command.link);
    await press(page, 'Allow');
    await stands(page, { title: SIGNED, text: 'Square' });
    check((await command.ended) === 0, `${command.out} ${command.err}`);
    const { json } = await world.answer(['connections']);
    check(json.connections.some((one) => one.name === 'First'), JSON.stringify(json));
    check(!/EAAA|EQAA/.test(command.out + command.err + JSON.stringify(json)), 'a token was printed');
  },
  'used twice: the page is asked for again': async (world) => {
    const page = await world.page();
    const command = await world.connecting('Twice', world.locations[0]);
    await page.goto(command.link);
    await press(page, 'Allow');
    await stands(page, { title: SIGNED });
    await page.reload();
    await stands(page, { title: REFUSED, code: 'sign_in.state_used' });
    await command.ended;
  },
  'refuse, begin again from the page, and go on with the draft': async (world) => {
    const page = await world.page();
    const command = await world.connecting('Second', world.locations[1]);
    await page.goto(command.link);
    await press(page, 'Deny');
    await stands(page, { title: REFUSED, code: 'sign_in.refused' });
    check((await command.ended) === 1, `${command.out} ${command.err}`);
    const answer = JSON.parse(command.out);
    check(answer.error.code === 'sign_in.refused', command.out);
    const draft = /--resume (\w+)/.exec(answer.error.message)[1];
    await page.click('a:has-text("Begin again")');
    await press(page, 'Allow');
    await stands(page, { title: SIGNED, code: `tillsync connect --resume ${draft}` });
    const resumed = await world.answer(['connect', '--resume', draft]);
    check(resumed.status === 0, JSON.stringify(resumed));
    const { json } = await world.answer(['connections']);
    check(json.connections.some((one) => one.name === 'Second'), JSON.stringify(json));
    const over = await world.answer(['connect', '--resume', draft]);
    check(over.status === 2 && over.json.error.code === 'draft.finished', JSON.stringify(over));
  },
  'come back late': async (world) => {
    const page = await world.page();
    const command = await world.connecting('Late', world.locations[0]);
    await page.goto(command.link);
    await page.waitForSelector('form');
    world.late();
    await press(page, 'Allow');
    await stands(page, { title: REFUSED, code: 'sign_in.expired' });
    check((await command.ended) === 1, `${command.out} ${command.err}`);
    check(JSON.parse(command.out).error.code === 'sign_in.expired', command.out);
  },
  "another browser's session": async (world) => {
    const [page, other] = [await world.page(), await world.page()];
    const command = await world.connecting('Other', world.locations[0]);
    const address = await back(page, command.link);
    await other.goto(address);
    await stands(other, { title: REFUSED, code: 'sign_in.other_session' });
    // And it is used up: the first browser does not get in with it either.
    await page.goto(address);
    await stands(page, { title: REFUSED, code: 'sign_in.state_used' });
    command.child.kill('SIGINT');
    check((await command.ended) === 1, `${command.out} ${command.err}`);
  },
  'a link works once': async (world) => {
    const [page, other] = [await world.page(), await world.page()];
    await page.goto(world.link);
    await stands(page, { title: 'tillsync', text: 'Sign in at Square' });
    await other.goto(world.link);
    await stands(other, { title: REFUSED, code: 'sign_in.link_unknown' });
    await other.goto(new URL('/', world.link).href);
    await stands(other, { title: REFUSED, code: 'sign_in.session_missing' });
    await other.goto(new URL('/oauth/square/start', world.link).href);
    await stands(other, { title: REFUSED, code: 'sign_in.session_missing' });
    await other.goto(new URL('/oauth/nobody/callback?code=a&state=b', world.link).href);
    await stands(other, { title: REFUSED, code: 'source.unknown' });
  },
  'begun in the browser, ended by the command': async (world) => {
    const page = await world.page();
    const command = await world.waiting(['connect', 'square', '--oauth', '--name', 'x', '--destination-url',
      world.told.activecampaign_url, '--json']);
    await page.goto(command.link);
    await page.goto(new URL('/', world.link).href);
    await page.click('a:has-text("Sign in at Square")');
    await press(page, 'Allow');
    await stands(page, { title: SIGNED });
    const draft = /--resume (\w+)/.exec(await page.innerText('main'))[1];
    command.child.kill('SIGINT');
    await command.ended;
    const asks = await world.answer(['connect', '--resume', draft]);
    check(asks.status === 2 && asks.json.error.code === 'draft.incomplete', JSON.stringify(asks));
    check(asks.json.error.message.includes(world.locations[2]), JSON.stringify(asks));
    const ended = await world.answer(['connect', '--resume', draft, '--location', world.locations[2],
      '--destination-url', world.told.activecampaign_url]);
    check(ended.status === 0, JSON.stringify(ended));
  },
  'authorise again: another store is refused, the own one works': async (world) => {
    const page = await world.page();
    await world.set({ square_signs_in_as: 'MLANOTHERSELLER' });
    let command = await world.waiting(['reauthorise', 'First', '--json']);
    await page.goto(command.link);
    await press(page, 'Allow');
    await stands(page, { title: REFUSED, code: 'sign_in.other_store' });
    check((await command.ended) === 1 && JSON.parse(command.out).error.code === 'sign_in.other_store', command.out);
    await world.set({ square_signs_in_as: null });
    command = await world.waiting(['reauthorise', 'First', '--json']);
    await page.goto(command.link);
    await press(page, 'Allow');
    await stands(page, { title: SIGNED, text: 'goes on by itself' });
    check((await command.ended) === 0 && JSON.parse(command.out).ok, `${command.out} ${command.err}`);
    const poll = await world.answer(['poll', 'First']);
    check(poll.status === 0, JSON.stringify(poll));
  },
  'the consent page is left out for who allowed before': async (world) => {
    await world.set({ square_consent: 'allow' });
    const page = await world.page();
    const command = await world.waiting(['reauthorise', 'First', '--json']);
    await page.goto(command.link);
    await stands(page, { title: SIGNED });
    check((await command.ended) === 0, `${command.out} ${command.err}`);
    await world.set({ square_consent: 'ask' });
  },
  'without serve the command answers the browser itself; stopped, it is gone on with': async (world) => {
    await world.stopServing();
    const page = await world.page();
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const env = { TILLSYNC_PUBLIC_URL: `http://127.0.0.1:${port}` };
    let command = await world.connecting('Alone', world.locations[0], env);
    command.child.kill('SIGINT');
    check((await command.ended) === 1, `${command.out} ${command.err}`);
    const error = JSON.parse(command.out).error;
    check(error.code === 'sign_in.waiting', command.out);
    const draft = /--resume (\w+)/.exec(error.message)[1];
    command = await world.waiting(['connect', '--resume', draft, '--json'], env);
    check(command.link.startsWith(env.TILLSYNC_PUBLIC_URL), command.link);
    await page.goto(command.link);
    await press(page, 'Allow');
    await stands(page, { title: SIGNED });
    check((await command.ended) === 0, `${command.out} ${command.err}`);
  },
  'without an application it says which settings are missing': async (world) => {
    const env = { TILLSYNC_SQUARE_APPLICATION_ID: '', TILLSYNC_SQUARE_APPLICATION_SECRET: '' };
    const { status, json } = await world.answer(['connect', 'square', '--oauth', '--name', 'x', '--destination-url',
      world.told.activecampaign_url], env);
    check(status === 2 && json.error.code === 'config.missing', JSON.stringify(json));
    check(/APPLICATION_ID.*APPLICATION_SECRET/.test(json.error.message), JSON.stringify(json));
  },
};

async function main() {
  let passed = 0;
  let failed = 0;
  const world = await World.start();
  try {
    world.link = await world.serve();
    for (const [name, body] of Object.entries(cases)) {
      try {
        await body(world);
        passed += 1;
        console.log(`ok      ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED  ${name}\n        ${error.stack}`);
      }
    }
  } finally {
    await world.stop();
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

process.on('exit', () => { for (const child of children) child.kill('SIGKILL'); });
main().catch((error) => {
  console.error(error);
  console.log('\n0 passed, 1 failed');
  process.exit(1);
});
