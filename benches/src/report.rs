//! What was measured, as a table and as data.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::machine::Peak;
use crate::work::Work;

/// One complete run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) processor: String,
    /// Processes that wanted a core during the run, averaged over a minute, at its start and at its end.
    pub(crate) load: [f64; 2],
    /// What the other engines say that they are.
    pub(crate) versions: BTreeMap<&'static str, String>,
    /// The fastest first.
    pub(crate) instruction_sets: Vec<&'static str>,
    pub(crate) peaks: BTreeMap<&'static str, Peak>,
    pub(crate) models: Vec<ModelReport>,
}

/// What was measured of one model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelReport {
    pub(crate) name: &'static str,
    #[serde(flatten)]
    pub(crate) work: Work,
    /// The least time that its arithmetic takes, for each instruction set.
    pub(crate) limit_ns: BTreeMap<&'static str, f64>,
    /// From the bytes of the file to a description.
    pub(crate) read_ms: f64,
    /// From the description to a model that is ready to play.
    pub(crate) compile_ms: f64,
    pub(crate) timings: Vec<Timing>,
    pub(crate) accuracies: Vec<Accuracy>,
}

/// The best of many passes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Timing {
    pub(crate) engine: &'static str,
    /// Of our engine; the others choose for themselves.
    pub(crate) instruction_set: Option<&'static str>,
    pub(crate) block: usize,
    pub(crate) ns: f64,
}

/// How far an engine is from the same model in `f64`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Accuracy {
    pub(crate) engine: &'static str,
    pub(crate) instruction_set: Option<&'static str>,
    /// Error-to-signal ratio.
    pub(crate) esr_db: f64,
}

/// What this project's engine is called in a report.
pub(crate) const OURS: &str = "neural-distortion";

impl ModelReport {
    fn ours(&self, set: &str, block: usize) -> Option<f64> {
        let found = self.timings.iter().find(|t| t.instruction_set == Some(set) && t.block == block)?;
        Some(found.ns)
    }

    /// Time of another engine with that block, or with the only one that it has.
    fn other(&self, engine: &str, block: usize) -> Option<f64> {
        let timings = || self.timings.iter().filter(|t| t.engine == engine);
        timings().find(|t| t.block == block).or(timings().next()).map(|t| t.ns)
    }
}

impl Report {
    /// The block that ratios and percentages are of.
    fn usual_block(blocks: &[usize]) -> usize {
        if blocks.contains(&64) { 64 } else { blocks[0] }
    }

    /// The whole report as Markdown that can also be read on a terminal.
    pub(crate) fn table(&self, blocks: &[usize]) -> String {
        let usual = Self::usual_block(blocks);
        let mut peaks = vec![
            ["instructions", "multiply-adds/ns", "tanh, ns", "leaky ReLU, ns"].map(str::to_owned).to_vec(),
        ];
        for &set in &self.instruction_sets {
            let peak = &self.peaks[set];
            peaks.push(vec![
                set.to_owned(),
                format!("{:.1}", peak.macs_per_ns),
                format!("{:.3}", peak.tanh_ns),
                format!("{:.3}", peak.relu_ns),
            ]);
        }

        let mut head = vec!["model".to_owned(), "instructions".to_owned(), "limit, ns".to_owned()];
        head.extend(blocks.iter().map(|block| format!("ns at {block}")));
        head.extend(["× real time".to_owned(), "% of limit".to_owned()]);
        head.extend(self.versions.keys().map(|name| format!("× {name}")));
        let mut rows = vec![head];
        for model in &self.models {
            for &set in &self.instruction_sets {
                let limit = model.limit_ns[set];
                let mut row = vec![model.name.to_owned(), set.to_owned(), figure(limit)];
                row.extend(blocks.iter().map(|&block| model.ours(set, block).map_or_else(dash, figure)));
                let ns = model.ours(set, usual);
                row.push(ns.map_or_else(dash, |ns| format!("{:.0}", 1e9 / 48_000.0 / ns)));
                row.push(ns.map_or_else(dash, |ns| format!("{:.0}", 100.0 * limit / ns)));
                for other in self.versions.keys() {
                    let ratio = ns.zip(model.other(other, usual)).map(|(ours, theirs)| theirs / ours);
                    row.push(ratio.map_or_else(dash, |ratio| format!("{ratio:.1}")));
                }
                rows.push(row);
            }
        }

        let mut head = ["model", "read, ms", "compile, ms"].map(str::to_owned).to_vec();
        head.extend(self.instruction_sets.iter().map(|set| (*set).to_owned()));
        head.extend(self.versions.keys().map(|name| (*name).to_owned()));
        let mut errors = vec![head];
        for model in &self.models {
            let times = [model.read_ms, model.compile_ms].map(figure);
            let mut row = [vec![model.name.to_owned()], times.to_vec()].concat();
            let error = |engine: &str, set| {
                let found = model.accuracies.iter().find(|a| a.engine == engine && a.instruction_set == set);
                found.map_or_else(dash, |a| format!("{:.0}", a.esr_db))
            };
            row.extend(self.instruction_sets.iter().map(|&set| error(OURS, Some(set))));
            row.extend(self.versions.keys().map(|name| error(name, None)));
            errors.push(row);
        }

        let mut text = format!("{}, load {:.1} to {:.1}\n\n", self.processor, self.load[0], self.load[1]);
        text += &markdown(1, &peaks);
        text += "\nReal time, percent of the limit and ratios are those of blocks of ";
        writeln!(text, "{usual} frames.\n").expect("a string takes everything");
        text += &markdown(2, &rows);
        text += "\nReady to play: reading the file, and compiling it, silence included. Then the error-to-signal ratio of each \
                 engine against the same model in double precision, in dB.\n\n";
        text += &markdown(1, &errors);
        for (name, version) in &self.versions {
            writeln!(text, "\n{name}: {version}").expect("a string takes everything");
        }
        text
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// Three digits.
fn figure(ns: f64) -> String {
    let decimals = if ns < 10.0 { 2 } else { usize::from(ns < 100.0) };
    format!("{ns:.decimals$}")
}

/// A table whose columns stand under each other; the first row is the head, the first `labels` columns are words.
fn markdown(labels: usize, rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < labels { format!(" {cell:width$} |") } else { format!(" {cell:>width$} |") }
        });
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.iter().enumerate().map(|(column, &width)| {
        if column < labels {
            format!("{}|", "-".repeat(width + 2))
        } else {
            format!("{}:|", "-".repeat(width + 1))
        }
    });
    let rule = format!("|{}\n", rule.collect::<String>());
    rows.iter().take(1).map(line).chain([rule]).chain(rows.iter().skip(1).map(line)).collect()
}
