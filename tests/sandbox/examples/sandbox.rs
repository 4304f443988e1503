//! Both platforms on loopback, for trying things by hand: `cargo run -p tillsync-sandbox --example sandbox -- 500 100`.

fn main() -> std::io::Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let mut options = tillsync_sandbox::Options::default();
    if let Some(orders) = numbers.next() {
        options.orders = orders;
    }
    if let Some(customers) = numbers.next() {
        options.customers = customers;
    }
    tillsync_sandbox::serve_main(options)
}
