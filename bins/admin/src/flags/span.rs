/// A span of time in seconds: a whole number with its unit, or 0. No unit is no answer to "how long".
pub(crate) fn span(text: &str) -> Result<u32, String> {
    const UNITS: [(char, u32); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
    const WANTED: &str = "give a whole number with s, m, h, d or w after it, such as 7d, or 0";
    if text == "0" {
        return Ok(0);
    }
    let given = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)));
    given
        .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|(number, seconds)| number.parse::<u32>().ok()?.checked_mul(*seconds))
        .ok_or_else(|| WANTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        let read = ["0", "0d", "90s", "5m", "12h", "7d", "2w"].map(span);
        assert_eq!(read.map(Result::unwrap), [0, 0, 90, 300, 43_200, 604_800, 1_209_600]);
        for bad in
            ["", "7", "d", "-1d", "+1d", "1.5h", "7 d", "7y", "5000000000s", "99999999d", "é", "4294967296d"]
        {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
