/// The colours that pages and drawings share, as CSS variables, and the rules of drawings.
///
/// The eight series colours differ in lightness too, so that they can be told apart without colour
/// vision, and on paper.
enum ReportStyle {
    /// The colours in a light scheme, a dark one, and on paper.
    static let colors = """
        :root {
          --paper: #ffffff; --ink: #1c2430; --muted: #5c6776; --grid: #dde2e8; --panel: #f4f6f8;
          --accent: #0b62b0; --warning: #9a5b00; --best: #e3f3e6;
          --weak: #eef3f8; --strong: #0b4f8a; --on-weak: #1c2430; --on-strong: #ffffff;
          --series-1: #0b62b0; --series-2: #d1620a; --series-3: #1d8a57; --series-4: #a3308f;
          --series-5: #6a7d00; --series-6: #c22a3a; --series-7: #1496a6; --series-8: #6b5bd2;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #12161c; --ink: #e4e9f0; --muted: #9aa6b5; --grid: #2c3540; --panel: #1b2129;
            --accent: #6cb2f2; --warning: #e3b04b; --best: #1c3a28;
            --weak: #1d2733; --strong: #6cb2f2; --on-weak: #e4e9f0; --on-strong: #0d1218;
            --series-1: #6cb2f2; --series-2: #f29c57; --series-3: #5fcf98; --series-4: #e08ad0;
            --series-5: #bccb55; --series-6: #f27d88; --series-7: #5fd3e0; --series-8: #a99df5;
          }
        }
        @media print {
          :root { --paper: #ffffff; --ink: #000000; --muted: #444444; --grid: #cccccc;
            --panel: #f4f4f4; --accent: #0b62b0; --warning: #9a5b00; --best: #e8f4ea;
            --weak: #eef3f8; --strong: #0b4f8a; --on-weak: #000000; --on-strong: #ffffff;
            --series-1: #0b62b0; --series-2: #d1620a; --series-3: #1d8a57; --series-4: #a3308f;
            --series-5: #6a7d00; --series-6: #c22a3a; --series-7: #1496a6; --series-8: #6b5bd2; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }
        """

    /// How the parts of a drawing look.
    static let drawings = """
        .chart text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
          fill: var(--ink); font-variant-numeric: tabular-nums; }
        .chart text.muted, .chart text.axis-title { fill: var(--muted); }
        .chart text.on-weak { fill: var(--on-weak); } .chart text.on-strong { fill: var(--on-strong); }
        .chart .grid { stroke: var(--grid); } .chart .axis { stroke: var(--muted); }
        .chart .whisker { stroke: var(--ink); stroke-width: 1.2; }
        .chart .trace { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .chart .key { stroke-width: 3; }
        .chart .spread { stroke-width: 1.2; opacity: .75; }
        """
}
