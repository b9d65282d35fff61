//! Latency against the number of users, as SVG.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use plotters::prelude::*;

use super::figures::Store;
use super::targets::number;

/// The steps that are drawn, and what they are called.
const LINES: [(&str, &str, RGBColor); 7] = [
    ("get", "GET by id", RGBColor(31, 119, 180)),
    ("user_name", "userName eq", RGBColor(255, 127, 14)),
    ("value_path", "emails[...]", RGBColor(44, 160, 44)),
    ("page_first", "page of 100", RGBColor(148, 103, 189)),
    ("patch", "PATCH", RGBColor(214, 39, 40)),
    ("create", "create", RGBColor(140, 86, 75)),
    ("scan", "unindexed filter", RGBColor(127, 127, 127)),
];

/// Draws the p50 of a store's steps.
pub(crate) fn draw(store: &Store, title: &str, path: &Path) -> Result<()> {
    let lines: Vec<_> = LINES
        .iter()
        .map(|(key, name, colour)| {
            let points: Vec<(f64, f64)> = store
                .series(key)
                .filter(|(users, figures)| *users > 0 && figures.measured.is_right())
                .map(|(users, figures)| (users as f64, figures.measured.p50 / 1000.0))
                .collect();
            (points, *name, *colour)
        })
        .collect();
    let all = || lines.iter().flat_map(|(points, ..)| points);
    let most = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::MIN, f64::max);
    let least = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::MAX, f64::min);
    ensure!(all().next().is_some(), "there is nothing to draw");
    let users = least(|p| p.0)..most(|p| p.0).max(least(|p| p.0) * 10.0);
    let times = least(|p| p.1) / 2.0..most(|p| p.1) * 2.0;
    let failed = |error: &dyn std::fmt::Display| anyhow!("the chart cannot be drawn: {error}");

    let root = SVGBackend::new(path, (860, 480)).into_drawing_area();
    root.fill(&WHITE).map_err(|e| failed(&e))?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .right_y_label_area_size(0)
        .build_cartesian_2d(users.log_scale(), times.log_scale())
        .map_err(|e| failed(&e))?;
    chart
        .configure_mesh()
        .x_desc("users in the directory")
        .y_desc("p50, ms")
        .x_label_formatter(&|users| number(users.round() as usize))
        .y_label_formatter(&|ms| if *ms < 1.0 { format!("{ms:.2}") } else { format!("{ms:.0}") })
        .light_line_style(BLACK.mix(0.06))
        .bold_line_style(BLACK.mix(0.15))
        .draw()
        .map_err(|e| failed(&e))?;
    for (points, name, colour) in lines {
        let dots = points.clone().into_iter().map(|point| Circle::new(point, 3, colour.filled()));
        chart.draw_series(dots).map_err(|e| failed(&e))?;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))
            .map_err(|e| failed(&e))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|e| failed(&e))?;
    root.present().map_err(|e| failed(&e))
}
