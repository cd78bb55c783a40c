//! The crate nam-rs behind the line protocol of `nd-bench`, in a program of its own so that it can be built for the
//! very processor that it runs on, as this crate wants to be: it leaves the choice of instructions to the compiler.

#![expect(clippy::print_stdout, reason = "the protocol is spoken on standard output")]

use std::error::Error;
use std::io::{Write, stdin, stdout};
use std::time::Instant;

use nam_rs::{Model, NamModel};

fn main() -> Result<(), Box<dyn Error>> {
    let signal = std::env::args().nth(1).ok_or("the file of the input signal is missing")?;
    let bytes = std::fs::read(&signal)?;
    let input: Vec<f32> = bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    let mut model = None;
    for line in stdin().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("version", _) => println!("0.4.0, built for this processor"),
            ("load", path) => match NamModel::from_file(path).and_then(|file| Model::from_nam(&file)) {
                Ok(loaded) => {
                    model = Some(loaded);
                    println!("blocks");
                }
                Err(error) => println!("no {}", error.to_string().replace('\n', " ")),
            },
            ("render", _) => {
                let model = model.as_mut().ok_or("no model is loaded")?;
                let mut audio = input.clone();
                model.process_buffer(&mut audio);
                let path = format!("{signal}.nam-rs");
                let bytes: Vec<u8> = audio.iter().flat_map(|y| y.to_le_bytes()).collect();
                std::fs::write(&path, bytes)?;
                println!("{path}");
            }
            ("pass", block) => {
                let model = model.as_mut().ok_or("no model is loaded")?;
                let (mut audio, block) = (input.clone(), block.parse()?);
                let start = Instant::now();
                audio.chunks_mut(block).for_each(|block| model.process_buffer(block));
                println!("{}", start.elapsed().as_secs_f64() * 1e9 / input.len() as f64);
            }
            (command, _) => return Err(format!("{command}?").into()),
        }
        stdout().flush()?;
    }
    Ok(())
}
