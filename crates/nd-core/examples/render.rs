//! Plays a recording through a model: `render MODEL IN.wav OUT.wav`.

use std::error::Error;
use std::num::NonZeroUsize;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use nd_core::{CompileOptions, ModelSpec};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, input, output] = arguments.as_slice() else {
        return Err("usage: render MODEL IN.wav OUT.wav".into());
    };

    let mut model = ModelSpec::from_slice(&std::fs::read(model)?)?.compile(&CompileOptions::default())?;
    let mut reader = WavReader::open(input)?;
    let wav = reader.spec();
    if model.sample_rate().is_some_and(|rate| rate != f64::from(wav.sample_rate)) {
        return Err(
            format!("the model is for {:?} Hz, not {} Hz", model.sample_rate(), wav.sample_rate).into()
        );
    }
    let samples: Vec<f32> = match wav.sample_format {
        SampleFormat::Float => reader.samples().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let full_scale = f64::from(1 << (wav.bits_per_sample - 1)) as f32;
            reader.samples::<i32>().map(|x| Ok(x? as f32 / full_scale)).collect::<hound::Result<_>>()?
        }
    };

    let channels = usize::from(wav.channels);
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut wet = vec![0.0; samples.len()];
    for channel in 0..channels {
        let dry: Vec<f32> = samples.iter().skip(channel).step_by(channels).copied().collect();
        let mut rendered = vec![0.0; dry.len()];
        model.render(&dry, &mut rendered, threads);
        for (to, from) in wet.iter_mut().skip(channel).step_by(channels).zip(rendered) {
            *to = from;
        }
    }

    let float = WavSpec { bits_per_sample: 32, sample_format: SampleFormat::Float, ..wav };
    let mut writer = WavWriter::create(output, float)?;
    wet.into_iter().try_for_each(|sample| writer.write_sample(sample))?;
    Ok(writer.finalize()?)
}
