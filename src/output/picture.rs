//! A flow as a drawing: two lifelines, numbered arrows, coloured states. [`draw`] makes the body of an SVG; what
//! surrounds it is the business of `svg` and `html`.
//!
//! Nothing that came from the wire gets in but numbers and addresses, and those are escaped all the same.

mod canvas;
mod caption;
mod lifeline;
mod part;
mod step;
mod style;

use super::ladder::{Row, rows};
use super::picture_options::Theme;
use crate::flow::Flow;

use canvas::Canvas;
pub(super) use caption::{caption, is_presumed, relative, since_text};
pub(super) use part::part;
pub(super) use style::{Picture, Style, WIDTH};

/// Colours and fonts, for one `style` element.
pub(super) fn style_sheet(theme: Theme) -> String {
    let light = ".synscope{--paper:#fff;--ink:#1b1f24;--faint:#59636e;--line:#8c959f;--box:#e6f4ea;--boxline:#1a7f37;\
                 --data:#eef1f4;--closed:#8c959f;--listen:#b1bac4;--opening:#bf8700;--open:#1a7f37;--closing:#8250df;\
                 --waiting:#0969da;--alert:#b3141d;--warn:#bc4c00;--note:#8a6100;--info:#0969da}";
    let dark = ".synscope{--paper:#0d1117;--ink:#e6edf3;--faint:#9198a1;--line:#656c76;--box:#12261e;--boxline:#3fb950;\
                --data:#1c222a;--closed:#656c76;--listen:#4d555f;--opening:#d29922;--open:#3fb950;--closing:#ab7df8;\
                --waiting:#58a6ff;--alert:#ff7b72;--warn:#f0883e;--note:#d29922;--info:#58a6ff}";
    let colours = match theme {
        Theme::Light => light.to_owned(),
        Theme::Dark => format!("{dark}@media print{{{light}}}"),
        Theme::Auto => format!("{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"),
    };
    format!(
        "{colours}\
         .synscope{{background:var(--paper)}}\
         .synscope text{{font-family:system-ui,'Segoe UI','Apple SD Gothic Neo','Noto Sans CJK KR','Noto Sans KR',NanumGothic,\
         'Malgun Gothic',sans-serif;font-size:12px;fill:var(--ink)}}\
         .synscope .paper{{fill:var(--paper)}}.synscope .h{{font-size:16px;font-weight:600}}\
         .synscope .b{{font-size:14px;font-weight:600}}.synscope .f{{fill:var(--faint);font-size:11px}}\
         .synscope .m{{fill:var(--faint);font-size:10.5px;font-family:ui-monospace,'DejaVu Sans Mono',Consolas,monospace}}\
         .synscope .life{{stroke:var(--line);stroke-width:1}}.synscope .arrow{{stroke:var(--ink);stroke-width:1.6;fill:none}}\
         .synscope .head{{fill:var(--ink)}}.synscope .lost{{stroke:var(--alert);stroke-width:1.4;stroke-dasharray:5 4;fill:none}}\
         .synscope .rst{{stroke:var(--alert)}}.synscope .rsthead{{fill:var(--alert)}}\
         .synscope .lostword{{fill:var(--alert);font-size:11px}}\
         .synscope .box{{fill:var(--box);stroke:var(--boxline)}}.synscope .data{{fill:var(--data);stroke:var(--line)}}\
         .synscope .gap{{stroke:var(--line);stroke-dasharray:2 4}}\
         .synscope .closed{{fill:var(--closed)}}.synscope .listen{{fill:var(--listen)}}.synscope .opening{{fill:var(--opening)}}\
         .synscope .open{{fill:var(--open)}}.synscope .closing{{fill:var(--closing)}}.synscope .waiting{{fill:var(--waiting)}}\
         .synscope .inferred{{fill-opacity:.55}}\
         .synscope text.alert{{fill:var(--alert)}}.synscope text.warn{{fill:var(--warn)}}\
         .synscope text.note{{fill:var(--note)}}.synscope text.info{{fill:var(--info)}}\
         @media print{{svg.synscope{{max-width:100%;height:auto}}}}"
    )
}

/// Draws `flow`.
pub(super) fn draw(flow: &Flow, style: &Style) -> Picture {
    let mut canvas = Canvas::new(flow, style);
    canvas.heading();
    let rows = part(rows(flow, style.fold), style.part);
    if rows.iter().any(|row| matches!(row, Row::Step(_) | Row::Data { .. })) {
        canvas.rows(&rows);
    } else {
        canvas.nothing();
    }
    canvas.caption();
    canvas.finish(&rows)
}
