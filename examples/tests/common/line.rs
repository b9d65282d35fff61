//! The line to a database, which can be cut and mended.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Hands on what comes, in both directions, while it is not cut. Nothing is lost: what has been sent arrives late.
pub(crate) struct Line {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_cut: Mutex<bool>,
    mended: Condvar,
}

impl State {
    fn wait(&self) {
        let mut is_cut = self.is_cut.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_cut {
            is_cut = self.mended.wait(is_cut).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn set(&self, is_cut: bool) {
        *self.is_cut.lock().unwrap_or_else(PoisonError::into_inner) = is_cut;
        self.mended.notify_all();
    }
}

impl Line {
    /// A line to the server that listens at a socket.
    pub(crate) fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                shared.wait();
                let Ok(server) = UnixStream::connect(&socket) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let end = || -> (TcpStream, UnixStream) {
                    (client.try_clone().unwrap(), server.try_clone().unwrap())
                };
                hand_on(from, to, Arc::clone(&shared), end());
                hand_on(server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&shared), end());
            }
        });
        Self { port, state }
    }

    /// The URL of a database at the other end.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://scim@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// Hands nothing on any more, and closes nothing.
    pub(crate) fn cut(&self) {
        self.state.set(true);
    }

    /// Hands on again, and what has come meanwhile.
    pub(crate) fn mend(&self) {
        self.state.set(false);
    }
}

fn hand_on(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    state: Arc<State>,
    (client, server): (TcpStream, UnixStream),
) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        loop {
            let length = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            state.wait();
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
        let _ = server.shutdown(std::net::Shutdown::Both);
    });
}
