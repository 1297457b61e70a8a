use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A network between a server and a service that it depends on, which can be cut. It listens for as long as the
/// process lives.
#[derive(Clone)]
pub struct Relay {
    address: String,
    state: Arc<Mutex<State>>,
}

struct State {
    passage: Passage,
    open: Vec<TcpStream>,
    accepted: usize,
}

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// They are handed on.
    Open,
    /// They are closed at once.
    Refused,
    /// They are kept, and nothing ever comes back.
    Silent,
}

impl Relay {
    /// A way to `host:port`, open at first.
    pub fn to(service: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let state = State { passage: Passage::Open, open: Vec::new(), accepted: 0 };
        let relay = Self { address, state: Arc::new(Mutex::new(state)) };
        let (accepting, service) = (relay.clone(), service.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                accepting.take(stream, &service);
            }
        });
        relay
    }

    /// Where it listens, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many connections have been made.
    pub fn accepted(&self) -> usize {
        self.state.lock().expect("no panic").accepted
    }

    /// Changes what becomes of connections; those that are open are closed.
    pub fn set(&self, passage: Passage) {
        let mut state = self.state.lock().expect("no panic");
        state.passage = passage;
        for stream in state.open.drain(..) {
            // It may be closed already.
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    fn take(&self, stream: TcpStream, service: &str) {
        let mut state = self.state.lock().expect("no panic");
        state.accepted += 1;
        match state.passage {
            Passage::Refused => {}
            Passage::Silent => state.open.push(stream),
            Passage::Open => {
                let Ok(far) = TcpStream::connect(service) else { return };
                for (from, to) in [(&stream, &far), (&far, &stream)] {
                    let (mut from, mut to) =
                        (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    thread::spawn(move || {
                        io::copy(&mut from, &mut to).ok();
                        to.shutdown(Shutdown::Both).ok();
                    });
                }
                state.open.extend([stream, far]);
            }
        }
    }
}
