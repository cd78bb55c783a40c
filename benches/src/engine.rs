//! Ours and the others behind one face: play a stretch of audio in blocks, say how long it took.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use nd_core::Model;

/// Frames of one pass: short, so that many fit between two disturbances by other programs.
pub(crate) const PASS: usize = 16_384;

/// Something that plays a model.
pub(crate) trait Engine {
    /// What it makes of the first pass after loading.
    fn render(&mut self) -> Result<Vec<f32>, String>;

    /// Nanoseconds for each sample of one pass in blocks of `block` frames.
    fn pass(&mut self, block: usize) -> Result<f64, String>;
}

/// This project's engine.
#[derive(Debug)]
pub(crate) struct Ours {
    model: Model,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Ours {
    pub(crate) fn new(model: Model, input: &[f32]) -> Self {
        Self { model, input: input.to_vec(), output: vec![0.0; input.len()] }
    }
}

impl Engine for Ours {
    fn render(&mut self) -> Result<Vec<f32>, String> {
        self.pass(PASS)?;
        Ok(self.output.clone())
    }

    fn pass(&mut self, block: usize) -> Result<f64, String> {
        let start = Instant::now();
        for (x, y) in self.input.chunks(block).zip(self.output.chunks_mut(block)) {
            self.model.process(x, y);
        }
        Ok(start.elapsed().as_secs_f64() * 1e9 / PASS as f64)
    }
}

/// Another engine, in a process of its own, because it wants another language or other compiler flags.
///
/// It reads one command a line and answers each with one line, and takes its own time:
///
/// | command | answer |
/// |---|---|
/// | `version` | what it is |
/// | `load PATH` | `blocks` if it plays block by block, `whole` if it only takes a signal as a whole, or `no REASON` |
/// | `render` | the file (raw `f32`) in which the output of the first pass now is |
/// | `pass BLOCK` | nanoseconds for each sample of one pass |
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the program with the file of the input signal (raw `f32`) as its last argument.
    pub(crate) fn start(name: &'static str, command: &mut Command, input: &Path) -> Result<Self, String> {
        let mut child = command
            .arg(input)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut peer = Self { name, version: String::new(), child, stdin, stdout };
        peer.version = peer.ask("version")?;
        Ok(peer)
    }

    /// The block sizes at which it plays this model, out of those wanted; none if it cannot play it.
    pub(crate) fn load(&mut self, model: &Path, blocks: &[usize]) -> Result<Vec<usize>, String> {
        match self.ask(&format!("load {}", model.display()))?.as_str() {
            "blocks" => Ok(blocks.to_vec()),
            "whole" => Ok(vec![PASS]),
            _ => Ok(Vec::new()),
        }
    }

    fn ask(&mut self, command: &str) -> Result<String, String> {
        let failed = |error| format!("{}: {command}: {error}", self.name);
        writeln!(self.stdin, "{command}").map_err(failed)?;
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).map_err(failed)?;
        if answer.is_empty() {
            return Err(format!("{}: {command}: it ended", self.name));
        }
        Ok(answer.trim().to_owned())
    }
}

impl Engine for &mut Peer {
    fn render(&mut self) -> Result<Vec<f32>, String> {
        let path = self.ask("render")?;
        let bytes = fs::read(&path).map_err(|error| format!("{}: {path}: {error}", self.name))?;
        Ok(bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect())
    }

    fn pass(&mut self, block: usize) -> Result<f64, String> {
        let answer = self.ask(&format!("pass {block}"))?;
        answer.parse().map_err(|_| format!("{}: not a time: {answer}", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
