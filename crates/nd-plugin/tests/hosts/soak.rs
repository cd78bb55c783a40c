//! Ten minutes of a player who cannot make up their mind.

use crate::clap::{file, framed, guitar, impulse_response, session_with};
use crate::host::Host;

/// Simulated time; the optimised build of the tests plays it in a fraction of that.
const SECONDS: usize = 600;

/// The largest step between two samples that counts as none. The guitar that goes in is soft and slow, all models amplify
/// it by at most three, and no gain is set above 6 dB.
const STEP: f32 = 0.25;

/// A linear congruential generator, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Memory that the process holds, in bytes, where the system says so.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(4096 * pages.split_whitespace().nth(1)?.parse::<usize>().ok()?)
}

#[test]
fn ten_minutes_of_changes_make_no_click_and_take_no_memory() {
    let mut sessions: Vec<_> =
        [1.0, 2.0, 3.0].map(|gain| session_with(&file("soak", &format!("{gain}.json"), gain))).into();
    // A WaveNet, and a cabinet.
    let nano = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/wavenet_nano/model.nam");
    sessions.push(session_with(nano.as_ref()));
    let cabinet = serde_json::json!({ "path": impulse_response("soak", [3, 5]) }).to_string();
    for session in sessions.iter_mut().skip(2) {
        session["fields"]["cabinet"] = cabinet.clone().into();
    }
    let mut dice = Dice(1);
    let mut host = Host::neutral();
    host.activate(48_000.0, 4096);
    let input = guitar(48_000);
    let (mut at, mut last, mut before) = (0, 0.0, None);
    let mut worst = (std::time::Duration::ZERO, 0);
    while at < SECONDS * 48_000 {
        match dice.roll(40) {
            0 => host.load(&framed(&sessions[dice.roll(4)])),
            1 => _ = host.set(["Next model", "Previous model"][dice.roll(2)], ["On", "Off"][dice.roll(2)]),
            2 => _ = host.set("Channels", ["Stereo", "Dual mono", "Mono (sum)", "Mono (left)"][dice.roll(4)]),
            3 => _ = host.set("Mix", ["0 %", "50 %", "100 %"][dice.roll(3)]),
            4 => {
                let switch =
                    ["Bypass", "Model", "Gate", "Tone stack", "DC blocker", "Mute", "Cabinet"][dice.roll(7)];
                host.set(switch, ["On", "Off"][dice.roll(2)]);
            }
            5..10 => {
                let knob = ["Input", "Output", "Bass", "Mid", "Treble", "Presence"][dice.roll(6)];
                host.set(knob, &format!("{} dB", dice.roll(12).cast_signed() - 6));
            }
            _ => {}
        }
        let frames = [1, 17, 64, 64, 128, 512, 1000, 4096][dice.roll(8)];
        let block: Vec<f32> = (at..at + frames).map(|n| 0.1 * input[n % input.len()]).collect();
        let output = host.block(&[&block, &block]);
        worst = worst.max((host.took, frames));
        for y in &output[0] {
            assert!(y.is_finite(), "at frame {at}");
            assert!((y - last).abs() < STEP, "from {last} to {y} in the block at frame {at}");
            last = *y;
        }
        host.idle();
        at += frames;
        if before.is_none() && at > 60 * 48_000 {
            before = resident(); // after a minute, everything has been there once
        }
    }
    if let Some((before, after)) = before.zip(resident()) {
        assert!(after < before + (32 << 20), "from {before} to {after} bytes");
    }
    // For whoever wants to know: `--nocapture` shows it.
    #[expect(clippy::print_stdout, reason = "a figure, not a check: a shared machine may take its time")]
    {
        println!("the longest block took {:?}, for {} frames", worst.0, worst.1);
    }
}
