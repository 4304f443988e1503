//! The merchant's browser: it follows redirects on this machine, and keeps the cookie of whoever gave it one.

use std::io::{Read, Write};
use std::net::TcpStream;

/// Opens an address and goes where it is sent; the status and text of the page it ends at.
pub(crate) fn open(link: &str) -> (u16, String) {
    let (mut url, mut cookie) = (link.to_owned(), None);
    for _ in 0..10 {
        let rest = url.strip_prefix("http://").expect("nothing else is on this machine").to_owned();
        let (host, path) = rest.split_once('/').unwrap_or((&rest, ""));
        let shown = cookie.as_ref().filter(|(giver, _)| giver == host);
        let shown = shown.map_or(String::new(), |(_, value)| format!("cookie: {value}\r\n"));
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\n{shown}connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let header = |name: &str| {
            let head = answer.split("\r\n\r\n").next().unwrap_or_default();
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        if let Some(given) = header("set-cookie") {
            cookie = Some((host.to_owned(), given.split(';').next().unwrap_or_default().to_owned()));
        }
        match header("location") {
            Some(place) if place.starts_with('/') => url = format!("http://{host}{place}"),
            Some(place) => url = place,
            None => return (answer[9..12].parse().unwrap(), answer),
        }
    }
    panic!("sent on and on: {url}")
}
