//! The window's design: its colours, distances and letters, in one place.
//!
//! Everything lies on a grid of 4 pixels. There is one accent colour, for what the player has set or plays; red is kept
//! for what has gone wrong.

use std::sync::Arc;

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Shadow, Stroke,
    TextStyle, Vec2, Visuals, vec2,
};

/// Behind everything.
pub(crate) const GROUND: Color32 = Color32::from_rgb(0x10, 0x11, 0x14);
/// A card on the ground.
pub(crate) const CARD: Color32 = Color32::from_rgb(0x18, 0x1A, 0x1E);
/// Something sunk into a card: a plot, a list, a text field.
pub(crate) const WELL: Color32 = Color32::from_rgb(0x12, 0x13, 0x16);
/// Something raised from a card: a button, the body of a knob.
pub(crate) const RAISED: Color32 = Color32::from_rgb(0x26, 0x29, 0x2F);
/// Something raised, with the pointer above it.
pub(crate) const HOVERED: Color32 = Color32::from_rgb(0x33, 0x37, 0x3F);
/// The line around things, and the part of a scale that is not reached.
pub(crate) const LINE: Color32 = Color32::from_rgb(0x2B, 0x2E, 0x35);
/// What is to be read.
pub(crate) const TEXT: Color32 = Color32::from_rgb(0xEC, 0xEA, 0xE6);
/// What names or explains something else.
pub(crate) const QUIET: Color32 = Color32::from_rgb(0x9C, 0xA0, 0xA8);
/// What may be overlooked.
pub(crate) const FAINT: Color32 = Color32::from_rgb(0x6C, 0x70, 0x79);
/// What is set, chosen or sounding.
pub(crate) const ACCENT: Color32 = Color32::from_rgb(0xFF, 0xB0, 0x3B);
/// What has gone wrong: clipped, unstable, refused.
pub(crate) const ALARM: Color32 = Color32::from_rgb(0xFF, 0x5C, 0x4D);

/// The unit of the grid, in logical pixels.
pub(crate) const UNIT: f32 = 4.0;
/// Between the window's edge and what it shows.
pub(crate) const MARGIN: f32 = 4.0 * UNIT;
/// Between two cards.
pub(crate) const GAP: f32 = 2.0 * UNIT;
/// Between a card's edge and what it shows.
pub(crate) const PADDING: f32 = 3.0 * UNIT;
/// Height of a button, a text field or a row in a list.
pub(crate) const ROW: f32 = 6.0 * UNIT;
/// Corners of cards.
pub(crate) const CARD_RADIUS: u8 = 8;
/// Corners of buttons, fields and plots.
pub(crate) const RADIUS: u8 = 5;

/// The name of the model.
pub(crate) fn title() -> FontId {
    FontId::new(17.0, strong())
}

/// What is typed, chosen and listed.
pub(crate) fn body() -> FontId {
    FontId::proportional(13.0)
}

/// The names of cards.
pub(crate) fn heading() -> FontId {
    FontId::new(12.0, strong())
}

/// The names and values of knobs.
pub(crate) fn label() -> FontId {
    FontId::proportional(11.5)
}

/// The figures along a scale.
pub(crate) fn scale() -> FontId {
    FontId::proportional(10.0)
}

/// A note, as large as a player sees it from where he stands.
pub(crate) fn note(size: f32) -> FontId {
    FontId::new(size, strong())
}

fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// A colour that lets so much of what is behind it through: 0 lets all of it.
pub(crate) fn fade(color: Color32, opacity: f32) -> Color32 {
    color.gamma_multiply(opacity.clamp(0.0, 1.0))
}

/// Gives a window the design.
pub(crate) fn apply(context: &Context) {
    context.set_fonts(fonts());
    context.set_theme(egui::Theme::Dark);
    context.all_styles_mut(|style| {
        style.visuals = visuals();
        style.text_styles = [
            (TextStyle::Heading, title()),
            (TextStyle::Body, body()),
            (TextStyle::Button, body()),
            (TextStyle::Small, label()),
            (TextStyle::Monospace, body()),
        ]
        .into();
        style.spacing.item_spacing = vec2(GAP, 0.0);
        style.spacing.button_padding = vec2(GAP, UNIT);
        style.spacing.interact_size = Vec2::splat(ROW);
        style.spacing.menu_margin = Margin::same(4);
        style.spacing.scroll.floating = true;
        style.spacing.scroll.bar_width = 6.0;
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.4;
    });
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = FontData::from_static(include_bytes!("../../font/Inter-Regular.otf"));
    let semi_bold = FontData::from_static(include_bytes!("../../font/Inter-SemiBold.otf"));
    fonts.font_data.insert("regular".to_owned(), Arc::new(regular));
    fonts.font_data.insert("semi-bold".to_owned(), Arc::new(semi_bold));
    let others = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (family, first) in [(FontFamily::Proportional, "regular"), (strong(), "semi-bold")] {
        let names = std::iter::once(first.to_owned()).chain(others.iter().cloned()).collect();
        fonts.families.insert(family, names);
    }
    fonts
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    let radius = CornerRadius::same(RADIUS);
    visuals.override_text_color = None;
    visuals.panel_fill = GROUND;
    visuals.window_fill = CARD;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.window_corner_radius = CornerRadius::same(CARD_RADIUS);
    visuals.menu_corner_radius = CornerRadius::same(CARD_RADIUS);
    visuals.popup_shadow = Shadow { offset: [0, 6], blur: 20, spread: 0, color: fade(Color32::BLACK, 0.5) };
    visuals.extreme_bg_color = WELL;
    visuals.text_edit_bg_color = Some(WELL);
    visuals.selection.bg_fill = fade(ACCENT, 0.35);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.text_cursor.stroke = Stroke::new(1.5, ACCENT);
    for (state, fill, text) in [
        (&mut visuals.widgets.noninteractive, CARD, QUIET),
        (&mut visuals.widgets.inactive, RAISED, TEXT),
        (&mut visuals.widgets.hovered, HOVERED, TEXT),
        (&mut visuals.widgets.active, HOVERED, TEXT),
        (&mut visuals.widgets.open, HOVERED, TEXT),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, LINE);
        state.fg_stroke = Stroke::new(1.0, text);
        state.corner_radius = radius;
        state.expansion = 0.0;
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of a colour in sRGB, as the accessibility guidelines for the web define it.
    fn luminance(color: Color32) -> f32 {
        let [r, g, b, _] = egui::Rgba::from(color).to_array();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn everything_to_be_read_stands_out_from_what_is_behind_it() {
        // 4.5 is what the guidelines ask of text, and 3 of signs.
        for ground in [GROUND, CARD, WELL] {
            for text in [TEXT, QUIET, ACCENT, ALARM] {
                assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}");
            }
            assert!(contrast(FAINT, ground) >= 3.0, "signs on {ground:?}");
        }
        assert!(contrast(QUIET, RAISED) >= 4.5, "a button's name");
    }
}
