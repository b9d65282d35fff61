use std::time::Duration;

/// How much time and room connections get.
///
/// ```
/// use std::time::Duration;
/// use scim_server::serve::ServeOptions;
///
/// let options = ServeOptions::default()
///     .with_request_timeout(Duration::from_secs(20))
///     .with_max_connections(4096);
/// assert_eq!(options.header_timeout, Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long request line and headers may take, and how long a connection may be idle before them. Default 30 s.
    /// Past it: the connection is closed.
    pub header_timeout: Duration,
    /// How long a request may take from its headers to its answer, reading the body included. Default 60 s. Past it:
    /// 503.
    pub request_timeout: Duration,
    /// How long an answer may wait for the client to take more of it. Default 30 s. Past it: the connection is
    /// closed.
    pub write_timeout: Duration,
    /// How long a client may go on sending after an answer in the middle of its request. Default 2 s. Past it, or after
    /// 1 MiB: the connection is closed.
    pub linger: Duration,
    /// How many connections may be open at once; further ones wait. Default 1,024.
    pub max_connections: usize,
    /// How many headers a request may have. Default 100. Past it: 431.
    pub max_headers: usize,
    /// How many bytes request line and headers may have. Default 64 KiB. Past it: 431.
    pub max_head_bytes: usize,
    /// How long requests may go on after the end has been asked for. Default 25 s. Past it: they are cut off.
    pub shutdown_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            max_connections: 1024,
            max_headers: 100,
            max_head_bytes: 64 * 1024,
            shutdown_timeout: Duration::from_secs(25),
        }
    }
}

impl ServeOptions {
    /// Sets how long request line and headers may take.
    #[must_use]
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Sets how long a request may take.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how long an answer may wait for the client.
    #[must_use]
    pub fn with_write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Sets how long a client may go on sending after an answer in the middle of its request.
    #[must_use]
    pub fn with_linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// Sets how many connections may be open at once; at least one.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets how many headers a request may have.
    #[must_use]
    pub fn with_max_headers(mut self, headers: usize) -> Self {
        self.max_headers = headers;
        self
    }

    /// Sets how many bytes request line and headers may have.
    #[must_use]
    pub fn with_max_head_bytes(mut self, bytes: usize) -> Self {
        self.max_head_bytes = bytes;
        self
    }

    /// Sets how long requests may go on after the end has been asked for.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }
}
