//! Which compression a file has, told by its first bytes, and a reader of what is inside.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Plain,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

fn format(start: &[u8]) -> Format {
    for (magic, format) in [
        (&[0x1f, 0x8b][..], Format::Gzip),
        (b"BZh", Format::Bzip2),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], Format::Xz),
        (&[0x28, 0xb5, 0x2f, 0xfd], Format::Zstd),
    ] {
        if start.starts_with(magic) {
            return format;
        }
    }
    // A frame to skip, with which parallel compressors begin.
    if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, _, _, _, _, ..] = start {
        return Format::Zstd;
    }
    Format::Plain
}

/// A reader of the tar archive that `file` is, compressed or not; `None` when it is none.
pub(crate) fn tar_inside(mut file: std::fs::File) -> io::Result<Option<Box<dyn Read>>> {
    let mut start = [0; 512];
    let n = read_full(&mut file, &mut start)?;
    let format = format(&start[..n]);
    if format == Format::Plain {
        if !is_tar_header(&start[..n]) {
            return Ok(None);
        }
    } else {
        file.seek(SeekFrom::Start(0))?;
        let mut header = [0; 512];
        // What cannot be decompressed is no archive, and is copied as it is.
        let n = read_full(&mut reader(file.try_clone()?, format)?, &mut header).unwrap_or(0);
        if !is_tar_header(&header[..n]) {
            return Ok(None);
        }
    }
    file.seek(SeekFrom::Start(0))?;
    reader(file, format).map(Some)
}

fn reader(file: std::fs::File, format: Format) -> io::Result<Box<dyn Read>> {
    let file = BufReader::with_capacity(64 << 10, file);
    Ok(match format {
        Format::Plain => Box::new(file),
        Format::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Format::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        Format::Xz => Box::new(lzma_rust2::XzReader::new(file, true)),
    })
}

/// Fills the buffer as far as the input goes.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match input.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

/// True for a block whose checksum is a tar header's (POSIX ustar, GNU, v7).
fn is_tar_header(block: &[u8]) -> bool {
    let Some(field) = block.get(148..156) else { return false };
    if block.len() < 512 {
        return false;
    }
    let digits = field.iter().skip_while(|b| **b == b' ').take_while(|b| (b'0'..=b'7').contains(*b));
    let mut stored = 0_u32;
    for digit in digits {
        stored = stored * 8 + u32::from(digit - b'0');
    }
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    let blanked = sum - field.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * u32::from(b' ');
    block[0] != 0 && stored == blanked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o644);
        builder.append_data(&mut header, "a", &b"abc"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    /// The system's xz, since our library only reads.
    fn xz(bytes: &[u8]) -> Vec<u8> {
        use std::process::{Command, Stdio};
        let mut xz =
            Command::new("xz").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        io::Write::write_all(&mut xz.stdin.take().unwrap(), bytes).unwrap();
        xz.wait_with_output().unwrap().stdout
    }

    #[test]
    fn archives_are_known_by_content_in_every_compression() {
        let tar = archive();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, &tar).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        io::Write::write_all(&mut bzip2, &tar).unwrap();
        let zstd = zstd::encode_all(&tar[..], 1).unwrap();
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd].concat();
        for bytes in [tar.clone(), xz(&tar), gzip.finish().unwrap(), bzip2.finish().unwrap(), zstd, skipped] {
            let mut inside = Vec::new();
            tar_inside(file(&bytes)).unwrap().unwrap().read_to_end(&mut inside).unwrap();
            assert_eq!(inside, tar);
        }
    }

    #[test]
    fn other_files_are_no_archives() {
        let gzipped_text = {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut gzip, &[b'x'; 2000]).unwrap();
            gzip.finish().unwrap()
        };
        for bytes in [&b""[..], b"short", &[0; 1024], &[b'x'; 600], &gzipped_text, &[0x1f, 0x8b, 9, 9]] {
            assert!(tar_inside(file(bytes)).unwrap().is_none());
        }
    }
}
