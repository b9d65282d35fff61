//! Where one request ends and the next begins, seen a second time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use httparse::{EMPTY_HEADER, Header, Request, Status, parse_chunk_size, parse_headers};

/// What the requests of one connection have in common.
#[derive(Debug)]
pub(super) struct Requests {
    /// How many have been answered or are about to be.
    served: AtomicU64,
    /// The first that is not to be served, and why.
    refused: OnceLock<(u64, &'static str)>,
    /// Whether the service has given an answer of which nothing is written yet.
    is_answered: AtomicBool,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { served: AtomicU64::new(0), refused: OnceLock::new(), is_answered: AtomicBool::new(false) }
    }

    /// Notes that the service has given an answer.
    pub(super) fn answer(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }

    /// Whether what is written now begins with an answer of the service, rather than one of hyper's own.
    pub(super) fn take_answer(&self) -> bool {
        self.is_answered.swap(false, Ordering::Relaxed)
    }

    /// Counts a request, and says why it is not to be served, if so.
    pub(super) fn next_is_refused(&self) -> Option<&'static str> {
        let this = self.served.fetch_add(1, Ordering::Relaxed);
        let (first, why) = self.refused.get()?;
        (this >= *first).then_some(*why)
    }
}

/// Why a request is refused whose end could be seen elsewhere by another server.
const UNCLEAR: &str = "the request has both Content-Length and Transfer-Encoding, or a transfer coding other than one `chunked`, so that its end is unclear";
const FRAGMENT: &str = "the URL of the request has a `#`, which cannot be sent to a server; in a path or a query it is written `%23`";

/// Follows the bytes that a client sends from request to request, to find what hyper takes and hides from everything
/// behind it.
///
/// That is a request that has both Content-Length and Transfer-Encoding. "A server MAY reject" it (RFC 9112 section
/// 6.3): two servers in a row that disagree about its end can be made to see different requests. hyper reads it by
/// Transfer-Encoding and drops the other header. So it does with `gzip, chunked`, of which it undoes the last coding
/// only, and with `chunked, chunked`: "A sender MUST NOT apply the chunked transfer coding more than once" (section 6.1).
/// And it cuts off a fragment, which no request target may have (section 3.2).
#[derive(Debug)]
pub(super) struct Framing {
    requests: Arc<Requests>,
    /// How many requests have begun.
    begun: u64,
    state: State,
    /// A head, line or trailer of which more is to come.
    held: Vec<u8>,
    most: usize,
    max_headers: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head,
    Body(u64),
    ChunkSize,
    /// The data of a chunk and the line break after it.
    Chunk(u64),
    Trailers,
    /// What came is no HTTP, and ends the connection.
    Lost,
}

/// What a step has made of the bytes before it.
enum Step {
    /// So many of them are done with.
    Done(usize, State),
    /// More are needed.
    More,
}

impl Framing {
    /// Heads have at most `most` bytes and `max_headers` headers; hyper refuses larger ones.
    pub(super) fn new(requests: Arc<Requests>, most: usize, max_headers: usize) -> Self {
        Self { requests, begun: 0, state: State::Head, held: Vec::new(), most, max_headers }
    }

    /// What the requests of the connection have in common.
    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Whether the client is in the middle of a request, or of what is none, and may have more to send.
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Head) || !self.held.is_empty()
    }

    /// Takes what has been read.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        if self.held.is_empty() {
            self.follow(&mut bytes);
            self.hold(bytes);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let mut rest = held.as_slice();
            self.follow(&mut rest);
            self.hold(rest);
        }
    }

    fn hold(&mut self, rest: &[u8]) {
        if rest.len() > self.most {
            self.state = State::Lost;
        } else {
            self.held.extend_from_slice(rest);
        }
    }

    /// Goes on as far as the bytes reach, and leaves what has to wait for more.
    fn follow(&mut self, bytes: &mut &[u8]) {
        while !bytes.is_empty() {
            let step = match self.state {
                State::Head => self.head(bytes),
                State::Body(left) => skip(bytes, left, State::Head, State::Body),
                State::Chunk(left) => skip(bytes, left, State::ChunkSize, State::Chunk),
                State::ChunkSize => chunk_size(bytes),
                State::Trailers => trailers(bytes),
                State::Lost => Step::Done(bytes.len(), State::Lost),
            };
            let Step::Done(done, next) = step else { return };
            self.state = next;
            *bytes = bytes.get(done..).unwrap_or_default();
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Step {
        let mut few = [EMPTY_HEADER; 100];
        let mut many = Vec::new();
        let headers: &mut [Header<'_>] = if self.max_headers > few.len() {
            many.resize(self.max_headers, EMPTY_HEADER);
            &mut many
        } else {
            &mut few
        };
        let mut request = Request::new(headers);
        let length = match request.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Step::More,
            Err(_) => return Step::Done(bytes.len(), State::Lost),
        };
        let all = |name: &'static str| {
            request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name))
        };
        let mut codings = all("transfer-encoding");
        let next = match (codings.next(), all("content-length").next()) {
            _ if request.path.is_some_and(|target| target.contains('#')) => self.refuse(FRAGMENT),
            (Some(only), None)
                if only.value.trim_ascii().eq_ignore_ascii_case(b"chunked") && codings.next().is_none() =>
            {
                State::ChunkSize
            }
            (Some(_), _) => self.refuse(UNCLEAR),
            (None, Some(header)) => {
                let text = std::str::from_utf8(header.value).ok();
                match text.and_then(|text| text.trim().parse::<u64>().ok()) {
                    Some(0) => State::Head,
                    Some(left) => State::Body(left),
                    None => State::Lost,
                }
            }
            (None, None) => State::Head,
        };
        self.begun += 1;
        Step::Done(length, next)
    }

    /// Has the request that begins here refused, after which the connection ends.
    fn refuse(&self, why: &'static str) -> State {
        let _ = self.requests.refused.set((self.begun, why));
        State::Lost
    }
}

fn skip(bytes: &[u8], left: u64, then: State, on: fn(u64) -> State) -> Step {
    let here = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match left.checked_sub(here) {
        None | Some(0) => Step::Done(usize::try_from(left).unwrap_or(bytes.len()), then),
        Some(more) => Step::Done(bytes.len(), on(more)),
    }
}

fn chunk_size(bytes: &[u8]) -> Step {
    match parse_chunk_size(bytes) {
        Ok(Status::Complete((line, 0))) => Step::Done(line, State::Trailers),
        Ok(Status::Complete((line, size))) => Step::Done(line, State::Chunk(size.saturating_add(2))),
        Ok(Status::Partial) => Step::More,
        Err(_) => Step::Done(bytes.len(), State::Lost),
    }
}

fn trailers(bytes: &[u8]) -> Step {
    let mut headers = [EMPTY_HEADER; 32];
    match parse_headers(bytes, &mut headers) {
        Ok(Status::Complete((length, _))) => Step::Done(length, State::Head),
        Ok(Status::Partial) => Step::More,
        Err(_) => Step::Done(bytes.len(), State::Lost),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The number of requests that are seen, and the one that is refused.
    fn follow(pieces: &[&[u8]]) -> (u64, Option<u64>) {
        let requests = Arc::new(Requests::new());
        let mut framing = Framing::new(Arc::clone(&requests), 4096, 100);
        for piece in pieces {
            framing.read(piece);
        }
        (framing.begun, requests.refused.get().map(|(first, _)| *first))
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const POST: &str = "POST / HTTP/1.1\r\nContent-Length: 7\r\n\r\n\r\n\r\nGET";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\nGET /\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: 1\r\n\r\n";
    const BOTH: &str =
        "POST / HTTP/1.1\r\ncontent-length: 5\r\nHost: x\r\nTRANSFER-ENCODING: chunked\r\n\r\n0\r\n\r\n";

    #[test]
    fn what_is_no_http_ends_it() {
        assert_eq!(follow(&[b"\x16\x03\x01", GET.as_bytes(), BOTH.as_bytes()]), (0, None));
        assert_eq!(follow(&[b"GET / HTTP/1.1\r\n", &[b'a'; 5000], BOTH.as_bytes()]), (0, None));
        let broken = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        assert_eq!(follow(&[broken.as_bytes(), BOTH.as_bytes()]), (1, None));
    }

    #[test]
    fn only_one_chunked_is_clear() {
        let why = |target: &str, headers: &str| {
            let requests = Arc::new(Requests::new());
            let mut framing = Framing::new(Arc::clone(&requests), 4096, 100);
            framing.read(format!("{GET}POST {target} HTTP/1.1\r\n{headers}\r\n").as_bytes());
            assert_eq!((framing.begun, requests.next_is_refused()), (2, None), "{target} {headers}");
            requests.next_is_refused()
        };
        for clear in [
            "",
            "Content-Length: 0\r\n",
            "Transfer-Encoding: chunked\r\n",
            "TRANSFER-encoding:\t Chunked \t\r\n",
        ] {
            assert_eq!(why("/", clear), None, "{clear}");
        }
        for unclear in [
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
            "Transfer-Encoding: chunked,\r\n",
            "Transfer-Encoding: chunked;q=1\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding:\r\n",
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(why("/", unclear), Some(UNCLEAR), "{unclear}");
        }
        for target in ["/#", "/Users#frag", "/Users?a=b#c", "#", "http://x/Users#frag"] {
            assert_eq!(why(target, ""), Some(FRAGMENT), "{target}");
        }
    }

    proptest! {
        /// However the bytes arrive, the requests and the ambiguous one are found.
        #[test]
        fn pieces_of_any_size(
            kinds in prop::collection::vec(0..3_usize, 0..6),
            cuts in prop::collection::vec(1..40_usize, 1..60),
            ambiguous: bool,
        ) {
            let known = [GET, POST, CHUNKED];
            let mut all: String = kinds.iter().map(|kind| known[*kind]).collect();
            let before = u64::try_from(kinds.len()).unwrap();
            if ambiguous {
                all.push_str(BOTH);
            }
            let mut pieces = Vec::new();
            let mut rest = all.as_bytes();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            let seen = before + u64::from(ambiguous);
            prop_assert_eq!(follow(&pieces), (seen, ambiguous.then_some(before)));
        }
    }
}
