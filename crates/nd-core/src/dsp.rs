//! Signal processing around a model: what a guitar passes before and after the network.
//!
//! Every stage is a type that works on its own, on one channel:
//!
//! | stage | what it does |
//! |---|---|
//! | [`Smooth`](smooth::Smooth) | a setting that moves without a step; as a gain, a stage itself |
//! | [`Gate`](gate::Gate) | silence between the notes |
//! | [`Tone`](tone::Tone) | bass, mid, treble, presence |
//! | [`Cabinet`](cabinet::Cabinet) | an impulse response |
//! | [`DcBlocker`](dc::DcBlocker) | takes away what does not move |
//! | [`Delay`](delay::Delay) | holds a dry signal back until the wet one has come |
//! | [`Crossfade`](crossfade::Crossfade) | from one signal to another without a gap |
//! | [`RateChange`](rate::RateChange) | plays a model of one rate in a stream of another |
//! | [`Meter`](meter::Meter) | how loud it is |
//! | [`Loudness`](loudness::Loudness) | how loud all of it is, to the ear |
//! | [`Oversampler`] | a signal at several times its rate, and back |
//! | [`TunerInput`](tuner::TunerInput) | lets a [`Tuner`](tuner::Tuner) on another thread hear the string |
//!
//! # Their contract
//!
//! * The constructor pays for everything: `process`, `reset` and every setting can be called on the audio thread. None
//!   allocates, frees, locks, calls the system or fails.
//! * State carries over from call to call. Blocks of any length give the same samples, bit for bit.
//! * A setting that would make a step in the sound moves smoothly instead; `reset` puts it where it was set.
//! * `reset` makes a stage forget the signal, and equals a new one with the same settings. It also ends what a NaN or an
//!   infinity at the input began.
//!
//! ```
//! use nd_core::dsp::{dc::DcBlocker, gate::{Gate, GateSettings}, smooth::{Ramp, Smooth}, tone::{Band, Tone}};
//!
//! let sample_rate = 48_000.0;
//! let mut gate = Gate::new(sample_rate, &GateSettings::default());
//! let mut tone = Tone::new(sample_rate);
//! let mut blocker = DcBlocker::new(sample_rate, 5.0);
//! let mut level = Smooth::new(Ramp::Exponential, sample_rate, 20.0, 1.0);
//!
//! tone.set(Band::Bass, 3.0); // dB
//! level.set(0.5);
//! let mut block = [0.1; 64];
//! gate.process(&mut block);
//! tone.process(&mut block);
//! blocker.process(&mut block);
//! level.process(&mut block);
//! ```
//!
//! [`resample`](resample()) and [`process_at`] are for signals that are there as a whole,
//! [`Resampler`](resample::Resampler) for those that come in pieces; they allocate. So does `Loudness`, a little with
//! each second.

pub mod cabinet;
pub mod crossfade;
pub mod dc;
pub mod delay;
pub mod gate;
pub mod loudness;
pub mod meter;
pub mod oversample;
pub mod rate;
pub mod resample;
pub mod smooth;
pub mod tone;
pub mod tuner;

pub use oversample::Oversampler;
pub use resample::{process_at, resample};
