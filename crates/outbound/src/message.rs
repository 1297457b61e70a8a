//! Syslog messages (RFC 5424).

/// Facility 13, log audit, times 8 (RFC 5424 section 6.2.1).
const FACILITY: u8 = 13 * 8;
/// The element's name. 32473 is the enterprise number set aside for documentation (RFC 5612), since this
/// project has none.
const ELEMENT: &str = "strongroom@32473";

/// Who sends messages: the part of their headers that stays the same.
pub struct SyslogSender {
    /// ` HOSTNAME APP-NAME PROCID `.
    text: String,
}

/// The header and the structured data of a message.
#[must_use]
pub struct SyslogMessage {
    text: String,
}

impl SyslogSender {
    /// This process, on this machine.
    pub fn of_this_process() -> Self {
        Self { text: format!(" {} strongroom {} ", host_name(), std::process::id()) }
    }

    /// Begins a message of that severity (0 to 7, RFC 5424 section 6.2.1), time (in UTC, without an offset) and
    /// message id, of the facility "log audit".
    pub fn message(&self, severity: u8, at: Option<&str>, id: &str) -> SyslogMessage {
        let at = at.map_or_else(|| "-".to_owned(), |at| format!("{}Z", printable(at, 30)));
        let (sender, id) = (&self.text, printable(id, 32));
        SyslogMessage { text: format!("<{}>1 {at}{sender}{id} [{ELEMENT}", FACILITY + severity.min(7)) }
    }
}

impl SyslogMessage {
    /// Adds a parameter (RFC 5424 section 6.3.3), cut to so many bytes; an empty value is left out.
    pub fn parameter(&mut self, name: &str, value: &str, longest: usize) {
        if value.is_empty() {
            return;
        }
        let text = &mut self.text;
        text.extend([" ", name, "=\""]);
        for character in cut(value, longest).chars() {
            match character {
                '"' | '\\' | ']' => text.extend(['\\', character]),
                // Nobody's terminal or line-wise tool is to be steered by what a caller is called.
                character if character.is_control() => text.push(' '),
                character => text.push(character),
            }
        }
        text.push('"');
    }

    /// The text so far, ready for a space and the message proper.
    pub fn finish(mut self) -> String {
        self.text.push(']');
        self.text
    }
}

/// This machine's name, in printable ASCII; `-` when it has none.
pub fn host_name() -> String {
    printable(&rustix::system::uname().nodename().to_string_lossy(), 255)
}

/// The header's fields hold printable ASCII only, and are never empty.
fn printable(text: &str, longest: usize) -> String {
    let sound: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if sound.is_empty() { "-".to_owned() } else { sound }
}

/// As many whole characters as fit into so many bytes.
pub fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_standards_form() {
        let mut message =
            SyslogSender { text: " host app 1 ".to_owned() }.message(9, Some("2026-01-01T00:00:00"), "a b");
        message.parameter("x", "o\"]\\\n", 512);
        message.parameter("empty", "", 512);
        message.parameter("cut", "äöü", 3);
        assert_eq!(
            message.finish(),
            "<111>1 2026-01-01T00:00:00Z host app 1 ab [strongroom@32473 x=\"o\\\"\\]\\\\ \" cut=\"ä\"]"
        );
    }
}
