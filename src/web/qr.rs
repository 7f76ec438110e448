//! Renders a QR code as one SVG path.

use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;
use std::fmt::Write as _;

/// Width of the light border that a scanner needs around the code (ISO/IEC 18004), in modules.
const QUIET_ZONE: usize = 4;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Qr {
    /// Width and height in modules, including the border.
    pub size: usize,
    /// SVG path data of the dark modules.
    pub path: String,
}

impl Qr {
    /// Encodes a text. Returns `None` if the text is too long for a QR code.
    pub(crate) fn of(text: &str) -> Option<Qr> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (place % width + QUIET_ZONE, place / width + QUIET_ZONE);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        Some(Qr { size: width + 2 * QUIET_ZONE, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_corner_marks_and_a_quiet_zone() {
        let qr = Qr::of("https://enroll.example.com/enroll").unwrap();
        assert!(qr.path.starts_with("M4 4h1v1h-1z"));
        for module in qr.path.split('M').skip(1) {
            let (x, rest) = module.split_once(' ').unwrap();
            let y = rest.split('h').next().unwrap();
            for place in [x, y] {
                assert!((QUIET_ZONE..qr.size - QUIET_ZONE).contains(&place.parse::<usize>().unwrap()));
            }
        }
        assert!(Qr::of(&"x".repeat(5_000)).is_none());
    }
}
