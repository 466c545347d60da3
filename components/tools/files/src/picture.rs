//! Whether a picture can be shown to a model. What a provider refuses would cost the whole request.

/// The longest side of a picture, in pixels.
const MAX_SIDE: u32 = 8000;

/// Checks that `bytes` are a whole picture of a size that models look at.
///
/// # Errors
///
/// What is wrong with it, as the rest of a sentence about the file.
pub(crate) fn check(media_type: &str, bytes: &[u8]) -> Result<(), String> {
    let size = match media_type {
        "image/png" => png(bytes),
        "image/jpeg" => jpeg(bytes),
        "image/gif" => gif(bytes),
        "image/webp" => webp(bytes),
        _ => return Ok(()),
    };
    match size {
        None => Err("but it is broken or cut off, and no model could look at it".to_owned()),
        Some((0, _) | (_, 0)) => Err("but it has no pixels".to_owned()),
        Some((width, height)) if width.max(height) > MAX_SIDE => Err(format!(
            "but it has {width} × {height} pixels, and models look at {MAX_SIDE} a side at most; make it smaller first"
        )),
        Some(_) => Ok(()),
    }
}

fn big(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + length)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn little(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + length)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// Goes from chunk to chunk; the last one is `IEND`.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let mut at = 8_usize;
    loop {
        let length = usize::try_from(big(bytes, at, 4)?).ok()?;
        let name = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(12)?.checked_add(length)?;
        if at > bytes.len() {
            return None;
        }
        if name == b"IEND" {
            return Some((big(bytes, 16, 4)?, big(bytes, 20, 4)?));
        }
    }
}

/// Goes from segment to segment to the frame, which says the size. An end mark has to come at some place after it.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2_usize;
    loop {
        let (mark, kind) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if mark != 0xFF {
            return None;
        }
        let is_frame = matches!(kind, 0xC0..=0xCF) && !matches!(kind, 0xC4 | 0xC8 | 0xCC);
        if is_frame {
            let whole = bytes[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]);
            let size = (big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?);
            return whole.then_some(size);
        }
        let alone = matches!(kind, 0x01 | 0xD0..=0xD7 | 0xFF);
        let length = if kind == 0xFF { 1 } else { 2 };
        at += if alone { length } else { 2 + usize::try_from(big(bytes, at + 2, 2)?).ok()? };
    }
}

fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let whole = bytes.get(13..)?.contains(&0x3B);
    whole.then_some((little(bytes, 6, 2)?, little(bytes, 8, 2)?))
}

fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    if usize::try_from(little(bytes, 4, 4)?).ok()?.checked_add(8)? > bytes.len() {
        return None;
    }
    match bytes.get(12..16)? {
        b"VP8X" => Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1)),
        b"VP8L" if *bytes.get(20)? == 0x2F => {
            let sizes = little(bytes, 21, 4)?;
            Some(((sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1))
        }
        b"VP8 " if bytes.get(23..26)? == [0x9D, 0x01, 0x2A] => {
            Some((little(bytes, 26, 2)? & 0x3FFF, little(bytes, 28, 2)? & 0x3FFF))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG file of this size, without pixels.
    pub(crate) fn png_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend(b"\x08\x02\0\0\0crc.\0\0\0\0IENDcrc.");
        bytes
    }

    #[test]
    fn only_whole_pictures_within_the_limits_are_shown() {
        let png = png_of(1, 1);
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xC0\0\x0B\x08\0\x02\0\x03\x01\x11\0\x11\xFF\xD9";
        let gif = b"GIF89a\x01\0\x01\0\0\0\0,;";
        let webp = b"RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x07\0\0\x07\0\0";
        let lossless = b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2F\x07\xC0\x01\0\0";
        let lossy = b"RIFF\x16\0\0\0WEBPVP8 \x0A\0\0\0\0\0\0\x9D\x01\x2A\x08\0\x08\0";
        let broken = "but it is broken or cut off, and no model could look at it".to_owned();
        let wide = "but it has 9000 × 2 pixels, and models look at 8000 a side at most; make it smaller first".to_owned();
        let cases: [(&str, &[u8], Result<(), String>); 13] = [
            ("image/png", &png, Ok(())),
            ("image/png", b"\x89PNG\r\n\x1a\n<html>404</html>", Err(broken.clone())),
            ("image/png", &png[..png.len() - 4], Err(broken.clone())),
            ("image/png", &png_of(9000, 2), Err(wide)),
            ("image/png", &png_of(0, 2), Err("but it has no pixels".to_owned())),
            ("image/jpeg", jpeg, Ok(())),
            ("image/jpeg", &jpeg[..jpeg.len() - 2], Err(broken.clone())),
            ("image/gif", gif, Ok(())),
            ("image/gif", &gif[..gif.len() - 1], Err(broken.clone())),
            ("image/webp", webp, Ok(())),
            ("image/webp", lossless, Ok(())),
            ("image/webp", lossy, Ok(())),
            ("image/webp", &webp[..20], Err(broken)),
        ];
        for (media_type, bytes, wanted) in cases {
            assert_eq!(check(media_type, bytes), wanted, "{media_type} {bytes:02X?}");
        }
    }
}
