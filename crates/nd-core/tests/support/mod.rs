//! What the tests of the engine share: reference renderings, made-up networks, and measures of error.

pub mod fixture;
pub mod made_up;
pub mod stage;
pub mod subject;

/// The largest absolute difference; a NaN on either side counts as infinitely far.
pub fn max_abs_error(target: &[f64], prediction: &[f64]) -> f64 {
    assert_eq!(target.len(), prediction.len(), "two signals to compare are as long as each other");
    let worse = |worst: f64, e: f64| if e.is_nan() { f64::INFINITY } else { worst.max(e) };
    target.iter().zip(prediction).map(|(t, p)| (t - p).abs()).fold(0.0, worse)
}

/// The error-to-signal ratio, Σ(t−p)²/Σt², in dB.
pub fn esr_db(target: &[f64], prediction: &[f64]) -> f64 {
    assert_eq!(target.len(), prediction.len(), "two signals to compare are as long as each other");
    let error: f64 = target.iter().zip(prediction).map(|(t, p)| (t - p).powi(2)).sum();
    let signal: f64 = target.iter().map(|t| t.powi(2)).sum();
    10.0 * (error / signal).log10()
}

pub fn widen(signal: &[f32]) -> Vec<f64> {
    signal.iter().map(|&x| x.into()).collect()
}
