//! A way to a stand-in on which replies get lost, or others come.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The operation, as `PutItem`: the end of `X-Amz-Target`.
    pub operation: String,
    /// How many of this operation came before it.
    pub earlier: usize,
    /// JSON.
    pub body: String,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is carried out and answered.
    Pass,
    /// It is carried out, and the connection ends before the answer.
    LoseReply,
    /// It is not carried out; this status and JSON come back.
    Answer(u16, String),
}

/// A proxy for the JSON protocols of AWS, over plain HTTP; ends with this value.
pub struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Stands before `target`, an address as `http://127.0.0.1:8000`.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(target: &str, fate: impl Fn(&Asked) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (target, fate) = (target.trim_start_matches("http://").to_owned(), Arc::new(fate));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, fate, seen) = (target.clone(), Arc::clone(&fate), Arc::clone(&seen));
                // A connection that ends is no matter of the proxy.
                tokio::spawn(async move { relay(client, &target, &*fate, &seen).await.ok() });
            }
        });
        Self { url, asked, serving }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests of an operation came.
    ///
    /// # Panics
    /// Never, unless a test did while it held the list.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == operation).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn relay(
    client: TcpStream,
    target: &str,
    fate: &(dyn Fn(&Asked) -> Fate + Send + Sync),
    seen: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut client = BufStream::new(client);
    let mut server = BufStream::new(TcpStream::connect(target).await?);
    loop {
        let (head, body) = message(&mut client).await?;
        let operation = header(&head, "x-amz-target").and_then(|name| name.rsplit('.').next());
        let operation = operation.unwrap_or_default().to_owned();
        let asked = {
            let mut seen = seen.lock().unwrap();
            let earlier = seen.iter().filter(|name| **name == operation).count();
            seen.push(operation.clone());
            Asked { operation, earlier, body: String::from_utf8_lossy(&body).into_owned() }
        };
        let fate = fate(&asked);
        if let Fate::Answer(status, json) = &fate {
            let kind = "Content-Type: application/x-amz-json-1.0";
            let answer =
                format!("HTTP/1.1 {status} X\r\n{kind}\r\nContent-Length: {}\r\n\r\n{json}", json.len());
            client.write_all(answer.as_bytes()).await?;
            client.flush().await?;
            continue;
        }
        server.write_all(head.as_bytes()).await?;
        server.write_all(&body).await?;
        server.flush().await?;
        let (head, body) = message(&mut server).await?;
        if matches!(fate, Fate::LoseReply) {
            return Ok(());
        }
        client.write_all(head.as_bytes()).await?;
        client.write_all(&body).await?;
        client.flush().await?;
    }
}

/// A message of HTTP whose length is told.
async fn message(stream: &mut BufStream<TcpStream>) -> io::Result<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
