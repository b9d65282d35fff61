//! A closed loop of requests over connections that stay open.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::servers::Server;
use crate::steps::{Requests, Step};

/// An answer, read in full.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 1 << 18], filled: 0 }
    }

    fn fill(&mut self) {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.filled..]).unwrap();
        assert!(read > 0, "the server closed the connection");
        self.filled += read;
    }

    /// Sends a request and reads its answer up to the end: the length of the head, and of all of it.
    fn ask(&mut self, request: &[u8]) -> (usize, usize) {
        self.stream.write_all(request).unwrap();
        self.filled = 0;
        let head = loop {
            self.fill();
            if let Some(at) = find(&self.buffer[..self.filled], b"\r\n\r\n") {
                break at + 4;
            }
        };
        if let Some(at) = find(&self.buffer[..head], b"content-length: ") {
            let digits = self.buffer[at + 16..head].iter().take_while(|b| b.is_ascii_digit());
            let length = digits.fold(0, |n, b| n * 10 + usize::from(b - b'0'));
            while self.filled < head + length {
                self.fill();
            }
        } else if find(&self.buffer[..head], b"chunked").is_some() {
            while !self.buffer[..self.filled].ends_with(b"\r\n0\r\n\r\n") {
                self.fill();
            }
        }
        (head, self.filled)
    }

    fn status(&self) -> u16 {
        std::str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// One request on a connection of its own.
pub(crate) fn once(address: SocketAddr, request: &[u8]) -> Answer {
    let mut connection = Connection::open(address);
    let (head, all) = connection.ask(request);
    let text = String::from_utf8_lossy(&connection.buffer[..head]).into_owned();
    let headers = text.lines().skip(1).filter_map(|line| line.split_once(": "));
    Answer {
        status: connection.status(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: connection.buffer[head..all].to_vec(),
    }
}

/// The requests of a step, spread over connections.
pub(crate) struct Load<'s> {
    step: &'s Step,
    connections: usize,
}

impl<'s> Load<'s> {
    pub(crate) fn new(step: &'s Step, connections: usize) -> Self {
        Self { step, connections: if step.alone { 1 } else { connections } }
    }

    /// Requests for so long.
    pub(crate) fn run(&mut self, server: &Server, time: Duration, status: Option<u16>) -> Outcome {
        self.run_with(server, time, status, &*self.step.requests)
    }

    pub(crate) fn run_constant(&mut self, server: &Server, time: Duration) -> Outcome {
        let sample = self.step.sample.clone();
        self.run_with(server, time, None, &move || sample.clone())
    }

    fn run_with(&self, server: &Server, time: Duration, status: Option<u16>, requests: &Requests) -> Outcome {
        let latencies = Mutex::new(Vec::new());
        let before = server.cpu_nanos();
        let started = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..self.connections {
                scope.spawn(|| {
                    let mut connection = Connection::open(server.address);
                    let mut mine = Vec::with_capacity(1 << 16);
                    while started.elapsed() < time {
                        let request = requests();
                        let sent = Instant::now();
                        connection.ask(&request);
                        mine.push(u32::try_from(sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
                        if let Some(status) = status {
                            assert_eq!(connection.status(), status);
                        }
                    }
                    latencies.lock().unwrap().extend(mine);
                });
            }
        });
        Outcome {
            latencies: latencies.into_inner().unwrap(),
            time: started.elapsed(),
            cpu_nanos: server.cpu_nanos() - before,
        }
    }
}

/// What a run came to.
#[derive(Default)]
pub(crate) struct Outcome {
    latencies: Vec<u32>,
    time: Duration,
    cpu_nanos: u64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.time += other.time;
        self.cpu_nanos += other.cpu_nanos;
        self.latencies.sort_unstable();
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu_nanos as f64 / 1000.0 / self.latencies.len() as f64
    }

    /// The time within which this part of the answers came.
    pub(crate) fn micros(&self, part: f64) -> f64 {
        let last = self.latencies.len() - 1;
        f64::from(self.latencies[((last as f64) * part).round() as usize]) / 1000.0
    }
}
