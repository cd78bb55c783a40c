//! Reads impulse responses: WAV, FLAC and AIFF, of any rate.

use std::io::Cursor;

/// An impulse response as its file has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Impulse {
    /// In Hz.
    pub(crate) sample_rate: f64,
    /// One or two, all of the same length.
    pub(crate) channels: Vec<Vec<f32>>,
}

/// The longest that is read, in seconds: a little more than is played, so that the end can fade out.
const MAX_SECONDS: f64 = 1.1;

/// Rates, in Hz, that a file may declare.
const RATES: std::ops::RangeInclusive<f64> = 8e3..=768e3;

/// The most channels that a file may have: of more than two, the first two are used.
const MAX_CHANNELS: usize = 64;

impl Impulse {
    /// Reads a file of any of the three kinds; its content says which.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let (sample_rate, channels, samples) = match bytes {
            [b'R', b'I', b'F', b'F', ..] => wav(bytes)?,
            [b'f', b'L', b'a', b'C', ..] => flac(bytes)?,
            [b'F', b'O', b'R', b'M', ..] => aiff(bytes)?,
            _ => return Err("this is neither a WAV nor a FLAC nor an AIFF file".to_owned()),
        };
        if !RATES.contains(&sample_rate) || !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(format!("{channels} channels at {sample_rate} Hz cannot be used"));
        }
        let frames = (samples.len() / channels).min((MAX_SECONDS * sample_rate) as usize);
        let channel = |index| samples.chunks_exact(channels).take(frames).map(|frame| frame[index]).collect();
        let channels: Vec<Vec<f32>> = (0..channels.min(2)).map(channel).collect();
        if channels[0].is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Self { sample_rate, channels })
    }

    /// How long it is.
    pub(crate) fn seconds(&self) -> f64 {
        self.channels[0].len() as f64 / self.sample_rate
    }
}

/// Rate, number of channels, and samples frame by frame.
type Samples = (f64, usize, Vec<f32>);

/// How many samples are worth reading.
fn enough(sample_rate: f64, channels: usize) -> usize {
    (MAX_SECONDS * sample_rate).ceil() as usize * channels
}

fn wav(bytes: &[u8]) -> Result<Samples, String> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let (rate, channels) = (f64::from(spec.sample_rate), usize::from(spec.channels));
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        hound::SampleFormat::Float => reader.into_samples::<f32>().take(enough(rate, channels)).collect(),
        hound::SampleFormat::Int => {
            let scale = full_scale(u32::from(spec.bits_per_sample));
            let samples = reader.into_samples::<i32>().take(enough(rate, channels));
            samples.map(|sample| sample.map(|x| x as f32 * scale)).collect()
        }
    };
    Ok((rate, channels, samples.map_err(|error| error.to_string())?))
}

fn flac(bytes: &[u8]) -> Result<Samples, String> {
    let mut reader = claxon::FlacReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let info = reader.streaminfo();
    let (rate, channels) = (f64::from(info.sample_rate), info.channels as usize);
    let scale = full_scale(info.bits_per_sample);
    let samples: Result<Vec<f32>, _> = reader
        .samples()
        .take(enough(rate, channels))
        .map(|sample| sample.map(|x| x as f32 * scale))
        .collect();
    Ok((rate, channels, samples.map_err(|error| error.to_string())?))
}

/// By what integers of so many bits are multiplied, so that full scale is 1.
fn full_scale(bits: u32) -> f32 {
    2_f64.powi(1 - bits.min(64).cast_signed()) as f32
}

/// AIFF 1.3, and AIFF-C where nothing is compressed: big-endian, little-endian (`sowt`) or `f32` (`fl32`).
fn aiff(bytes: &[u8]) -> Result<Samples, String> {
    let broken = || "this AIFF file is broken".to_owned();
    let mut format = None;
    let mut rest = bytes.get(12..).ok_or_else(broken)?;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let chunk = &body[..length.min(body.len())];
        match &head[..4] {
            b"COMM" if chunk.len() >= 18 => {
                let channels = usize::from(u16::from_be_bytes([chunk[0], chunk[1]]));
                let bits = u32::from(u16::from_be_bytes([chunk[6], chunk[7]]));
                let rate = extended(chunk[8..18].try_into().expect("ten bytes"));
                let coding: [u8; 4] =
                    chunk.get(18..22).map_or(*b"NONE", |x| x.try_into().expect("four bytes"));
                format = Some((rate, channels, bits, coding));
            }
            b"SSND" if chunk.len() >= 8 => {
                let (rate, channels, bits, coding) = format.ok_or_else(broken)?;
                let offset = u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]) as usize;
                let data = chunk.get(8 + offset..).ok_or_else(broken)?;
                let width = bits.div_ceil(8) as usize;
                if !(1..=4).contains(&width) {
                    return Err(format!("samples of {bits} bits cannot be read"));
                }
                let sample: fn(&[u8]) -> f32 = match (&coding, width) {
                    (b"NONE", _) => |word| integer(word.iter()),
                    (b"sowt", _) => |word| integer(word.iter().rev()),
                    (b"fl32" | b"FL32", 4) => |word| f32::from_be_bytes(word.try_into().expect("four bytes")),
                    _ => {
                        let name = String::from_utf8_lossy(&coding);
                        return Err(format!("AIFF files in the coding “{name}” cannot be read"));
                    }
                };
                let samples = data.chunks_exact(width).take(enough(rate, channels)).map(sample).collect();
                return Ok((rate, channels, samples));
            }
            _ => {}
        }
        rest = body.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    Err(broken())
}

/// A two's complement number of up to four bytes, the highest first, as a part of full scale.
fn integer<'a>(bytes: impl Iterator<Item = &'a u8>) -> f32 {
    let mut word = [0; 4];
    for (place, byte) in word.iter_mut().zip(bytes) {
        *place = *byte;
    }
    i32::from_be_bytes(word) as f32 * full_scale(32)
}

/// An 80-bit number of IEEE 754, as AIFF stores rates.
fn extended(bytes: [u8; 10]) -> f64 {
    let [a, b, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([a & 0x7f, b])) - 16383 - 63;
    u64::from_be_bytes(mantissa) as f64 * 2_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [f32; 4] = [0.5, -0.25, 0.125, -1.0];

    /// A two-channel file of 24 bits at 44.1 kHz.
    fn wav_file() -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 24,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
        for x in SAMPLES {
            writer.write_sample((x * 8_388_608.0) as i32).expect("a sample");
        }
        writer.finalize().expect("an end");
        bytes.into_inner()
    }

    fn aiff_file(coding: Option<&[u8; 4]>, words: &[&[u8]]) -> Vec<u8> {
        let data = words.concat();
        let bits = 8 * words[0].len() as u16;
        let mut comm = [&2_u16.to_be_bytes()[..], &2_u32.to_be_bytes(), &bits.to_be_bytes()].concat();
        // 44 100 = 0xac44 · 2⁰, with the highest bit of the mantissa set.
        comm.extend([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
        comm.extend(coding.into_iter().flatten());
        let chunk = |name: &[u8; 4], body: &[u8]| {
            [name, &(body.len() as u32).to_be_bytes()[..], body, &vec![0; body.len() % 2]].concat()
        };
        let ssnd = [&[0; 8], data.as_slice()].concat();
        let body = [&b"AIFC"[..], &chunk(b"COMM", &comm), &chunk(b"SSND", &ssnd)].concat();
        chunk(b"FORM", &body)
    }

    #[test]
    fn every_kind_of_file_gives_its_samples() {
        let words = SAMPLES.map(|x| ((x * 32_768.0) as i16).to_be_bytes());
        let little = SAMPLES.map(|x| ((x * 32_768.0) as i16).to_le_bytes());
        let floats = SAMPLES.map(f32::to_be_bytes);
        let files = [
            ("WAV", wav_file()),
            ("AIFF", aiff_file(None, &words.each_ref().map(|word| &word[..]))),
            ("little-endian AIFF", aiff_file(Some(b"sowt"), &little.each_ref().map(|word| &word[..]))),
            ("AIFF of floats", aiff_file(Some(b"fl32"), &floats.each_ref().map(|word| &word[..]))),
        ];
        let expected = vec![vec![SAMPLES[0], SAMPLES[2]], vec![SAMPLES[1], SAMPLES[3]]];
        for (kind, bytes) in files {
            let impulse = Impulse::read(&bytes).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(impulse.sample_rate, 44_100.0, "{kind}");
            assert_eq!(impulse.channels, expected, "{kind}");
            assert_eq!(impulse.seconds(), 2.0 / 44_100.0, "{kind}");
        }
    }

    #[test]
    fn what_is_broken_is_refused_in_words() {
        let whole = aiff_file(None, &[&[0, 1][..]; 4]);
        for end in 0..whole.len() {
            _ = Impulse::read(&whole[..end]); // refused or not, it does not panic
        }
        assert!(Impulse::read(b"ID3").is_err(), "another kind of file");
        assert!(
            Impulse::read(&aiff_file(Some(b"ulaw"), &[&[1][..]; 4])).is_err(),
            "a coding that is not known"
        );
    }
}
