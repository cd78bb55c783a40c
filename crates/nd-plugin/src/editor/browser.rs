//! The library: shipped models, and folders of models and impulse responses.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::{
    Align, CornerRadius, Id, Key, Modifiers, Rect, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::icon::{self, Icon};
use super::{button, field, theme};
use crate::factory;
use crate::loader::{Command, Entry, Kind, Origin, Status};

/// What the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Shelf {
    /// Models that come with the plugin.
    #[default]
    Shipped,
    /// Models in a folder.
    Models,
    /// Impulse responses in a folder.
    Cabinets,
}

const SHELVES: [Shelf; 3] = [Shelf::Shipped, Shelf::Models, Shelf::Cabinets];

/// The library's state.
#[derive(Debug, Default)]
pub(crate) struct Browser {
    pub(crate) shelf: Shelf,
    search: String,
    /// What stands in the path field.
    path: String,
    /// The folder that the path field was last filled from.
    shown: Option<PathBuf>,
    /// The row that Enter chooses.
    cursor: usize,
    /// The system's dialog, while it is open.
    dialog: Option<Receiver<Option<PathBuf>>>,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
struct Row<'a> {
    name: &'a str,
    kind: Kind,
    /// Whether it is what plays.
    chosen: bool,
    command: Command,
}

impl Browser {
    /// Asks the system for a file, on a thread of its own: the dialog waits for the player.
    pub(crate) fn ask(&mut self, kind: Kind) {
        if self.dialog.is_some() {
            return;
        }
        let (answer, dialog) = channel();
        let folder = self.shown.clone();
        let spawned = std::thread::Builder::new().name("dialog".to_owned()).spawn(move || {
            let (name, endings): (_, &[&str]) = match kind {
                Kind::Cabinet => ("Impulse responses", &["wav", "flac", "aif", "aiff"]),
                Kind::Model | Kind::Folder => ("Models", &["nam", "json", "aidax"]),
            };
            let mut dialog = rfd::FileDialog::new().add_filter(name, endings);
            if let Some(folder) = folder {
                dialog = dialog.set_directory(folder);
            }
            // Nobody listens any more when the window was closed meanwhile.
            let _ = answer.send(dialog.pick_file());
        });
        self.dialog = spawned.is_ok().then_some(dialog);
    }

    /// Draws the library and returns what was asked for.
    pub(crate) fn show(&mut self, ui: &mut Ui, rect: Rect, status: &Status) -> Vec<Command> {
        let mut commands = self.answered();
        if self.shown != status.folder.path {
            self.shown.clone_from(&status.folder.path);
            self.path = self.shown.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            self.cursor = 0;
        }
        icon::card(ui.painter(), rect);
        let inner = rect.shrink(theme::PADDING);
        let line = |index: f32| {
            let top = inner.top() + index * (theme::ROW + theme::GAP);
            Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), theme::ROW))
        };
        let chosen = SHELVES.iter().position(|&shelf| shelf == self.shelf).unwrap_or_default();
        let names = ["Shipped", "Models", "Cabinets"];
        if let Some(index) = button::segments(ui, line(0.0), "shelf", &names, chosen) {
            self.shelf = SHELVES[index];
            self.cursor = 0;
        }
        let mut below = 1.0;
        if self.shelf != Shelf::Shipped {
            commands.extend(self.folder(ui, line(below), status));
            below += 1.0;
        }
        let search = Id::unique("library search");
        let before = self.search.clone();
        let at = line(below);
        let response = field::line(ui, at, search, "Search", "Search", &mut self.search);
        if self.search != before {
            self.cursor = 0;
        }
        if self.search.is_empty() {
            icon::paint(ui.painter(), pos2(at.right() - 14.0, at.center().y), Icon::Search, theme::FAINT);
        }
        let rows = rows(self.shelf, status, &self.search);
        let mut moved = false;
        if response.has_focus() {
            let count = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
            let [down, up] = [count(Key::ArrowDown), count(Key::ArrowUp)];
            moved = down + up > 0;
            self.cursor = (self.cursor + down).min(rows.len().saturating_sub(1)).saturating_sub(up);
        }
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            commands.extend(rows.get(self.cursor).map(|row| row.command.clone()));
            response.request_focus();
        }
        let list = Rect::from_min_max(line(below + 1.0).left_top(), inner.max);
        let cursor = response.has_focus().then_some(self.cursor);
        if let Some(index) = list_rows(ui, list, &rows, cursor, moved) {
            self.cursor = index;
            commands.push(rows[index].command.clone());
        }
        if rows.is_empty() {
            let text = match (self.shelf, &status.folder.path) {
                _ if !self.search.is_empty() => "Nothing is called that",
                (_, None) => "Type a folder above, or browse",
                (Shelf::Cabinets, _) => "No impulse responses here",
                _ => "No models here",
            };
            let at = pos2(list.center().x, list.top() + 2.0 * theme::ROW);
            button::line(ui.painter(), at, Align::Center, text, theme::label(), theme::FAINT, list.width());
        }
        commands
    }

    /// Up, the path field, and the button for the system's dialog.
    fn folder(&mut self, ui: &mut Ui, rect: Rect, status: &Status) -> Vec<Command> {
        let mut commands = Vec::new();
        let square = vec2(theme::ROW + 4.0, theme::ROW);
        let up = Rect::from_min_size(rect.min, square);
        let browse = Rect::from_min_max(pos2(rect.right() - square.x, rect.top()), rect.max);
        let path = Rect::from_min_max(
            pos2(up.right() + theme::UNIT, rect.top()),
            pos2(browse.left() - theme::UNIT, rect.bottom()),
        );
        let parent = status.folder.path.as_deref().and_then(Path::parent);
        if button::button(ui, up, "Folder above", Icon::Up).clicked()
            && let Some(parent) = parent
        {
            commands.push(Command::OpenFolder(parent.to_owned()));
        }
        let id = Id::unique("library path");
        let response = field::line(ui, path, id, "Path", "Folder or file", &mut self.path);
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            commands.extend(open(Path::new(self.path.trim())));
        }
        if button::button(ui, browse, "Browse", Icon::Folder).clicked() {
            self.ask(if self.shelf == Shelf::Cabinets { Kind::Cabinet } else { Kind::Model });
        }
        commands
    }

    /// What the player chose in the system's dialog.
    fn answered(&mut self) -> Vec<Command> {
        let answer = self.dialog.as_ref().map(Receiver::try_recv);
        match answer {
            None | Some(Err(TryRecvError::Empty)) => Vec::new(),
            Some(Err(TryRecvError::Disconnected)) => {
                self.dialog = None;
                Vec::new()
            }
            Some(Ok(path)) => {
                self.dialog = None;
                path.map(|path| open(&path)).unwrap_or_default()
            }
        }
    }
}

/// What to do with a path: list a folder, or load a file and list where it is.
fn open(path: &Path) -> Vec<Command> {
    let path = match path.strip_prefix("~") {
        Ok(rest) => std::env::home_dir().unwrap_or_default().join(rest),
        Err(_) => path.to_owned(),
    };
    if path.is_dir() {
        return vec![Command::OpenFolder(path)];
    }
    let folder = path.parent().map(|folder| Command::OpenFolder(folder.to_owned()));
    let load = match Kind::of(&path) {
        Some(Kind::Cabinet) => Command::LoadCabinet(path),
        _ => Command::LoadModel(path),
    };
    folder.into_iter().chain([load]).collect()
}

/// The rows whose name has all the words of the search in it.
fn rows<'a>(shelf: Shelf, status: &'a Status, search: &str) -> Vec<Row<'a>> {
    let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let wanted = |name: &str| {
        let path = Path::new(name);
        // Without a file's ending, which would have a letter for every search.
        let name = Kind::of(path).and(path.file_stem()).map_or(name.into(), |stem| stem.to_string_lossy());
        let name = name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    };
    if shelf == Shelf::Shipped {
        let playing = status.model.as_ref().filter(|model| model.origin == Origin::Shipped);
        return factory::MODELS
            .iter()
            .filter(|model| wanted(model.name))
            .map(|model| Row {
                name: model.name,
                kind: Kind::Model,
                chosen: playing.is_some_and(|playing| playing.name == model.name),
                command: Command::LoadFactoryModel(model.name),
            })
            .collect();
    }
    let file = |origin: Option<&'a Origin>| match origin {
        Some(Origin::File(path)) => Some(path),
        _ => None,
    };
    let model = file(status.model.as_ref().map(|model| &model.origin));
    let cabinet = file(status.cabinet.as_ref().map(|cabinet| &cabinet.origin));
    let row = |entry: &'a Entry| {
        let path = entry.path.clone();
        let (chosen, command) = match entry.kind {
            Kind::Folder => (false, Command::OpenFolder(path)),
            Kind::Model => (model == Some(&entry.path), Command::LoadModel(path)),
            Kind::Cabinet => (cabinet == Some(&entry.path), Command::LoadCabinet(path)),
        };
        Row { name: &entry.name, kind: entry.kind, chosen, command }
    };
    let hidden = if shelf == Shelf::Models { Kind::Cabinet } else { Kind::Model };
    status
        .folder
        .entries
        .iter()
        .filter(|entry| entry.kind != hidden && wanted(&entry.name))
        .map(row)
        .collect()
}

/// Draws the rows that are in sight and returns the one that was clicked.
fn list_rows(ui: &mut Ui, rect: Rect, rows: &[Row<'_>], cursor: Option<usize>, moved: bool) -> Option<usize> {
    button::frame(ui.painter(), rect, theme::WELL, false);
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect.shrink(theme::UNIT)));
    ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
    let mut clicked = None;
    let mut area = ScrollArea::vertical().id_salt("library").auto_shrink(false);
    if let Some(cursor) = cursor.filter(|_| moved) {
        let middle = cursor as f32 * theme::ROW - 0.5 * (rect.height() - theme::ROW);
        area = area.vertical_scroll_offset(middle.max(0.0));
    }
    area.show_rows(&mut ui, theme::ROW, rows.len(), |ui, range| {
        for index in range {
            let row = &rows[index];
            let size = vec2(ui.available_width(), theme::ROW);
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            response.widget_info(|| WidgetInfo::selected(egui::Role::ListItem, true, row.chosen, row.name));
            let painter = ui.painter();
            if cursor == Some(index) || response.hovered() || response.has_focus() {
                painter.rect_filled(rect, CornerRadius::same(4), theme::RAISED);
            }
            if row.chosen {
                let bar = Rect::from_min_size(rect.left_top() + vec2(0.0, 5.0), vec2(2.0, theme::ROW - 10.0));
                painter.rect_filled(bar, CornerRadius::same(1), theme::ACCENT);
            }
            let mut left = rect.left() + 9.0;
            if row.kind == Kind::Folder {
                icon::paint(painter, pos2(left + 6.0, rect.center().y), Icon::Folder, theme::FAINT);
                left += 18.0;
            }
            let color = if row.chosen { theme::ACCENT } else { theme::TEXT };
            let space = rect.right() - 8.0 - left;
            let at = pos2(left, rect.center().y);
            button::line(painter, at, Align::Min, row.name, theme::body(), color, space);
            if response.clicked() {
                clicked = Some(index);
            }
        }
    });
    clicked
}
