extension HTMLRenderer {
    /// The page's style. The eight series colours differ in lightness too, so that they can be told
    /// apart without colour vision, and on paper.
    static let style = """
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
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
        h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
        h2 { font-size: 1.35rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem;
          border-bottom: 1px solid var(--grid); }
        h3 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
        h1, h2, h3, p, li, dd, td, th, figcaption, caption { overflow-wrap: anywhere; }
        .summary { color: var(--muted); font-size: 1.05rem; margin-top: 0; }
        a { color: var(--accent); }
        nav { background: var(--panel); border-radius: 6px; padding: .25rem 1rem; }
        code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
          monospace; font-size: .9em; }
        code { background: var(--panel); border-radius: 3px; padding: .1em .3em; }
        pre { background: var(--panel); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto; }
        pre code { padding: 0; background: none; }
        .scroll { overflow-x: auto; margin: 1rem 0; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
        th, td { padding: .35rem .8rem; border-bottom: 1px solid var(--grid); vertical-align: top;
          min-width: 3.5rem; }
        th { border-bottom: 2px solid var(--muted); vertical-align: bottom; }
        tbody tr:hover { background: var(--panel); }
        .left { text-align: left; } .center { text-align: center; }
        .right { text-align: right; white-space: nowrap; }
        .best { background: var(--best); } .tied { background: var(--panel); }
        td small { color: var(--muted); }
        tr.group > * { border-top: 2px solid var(--grid); }
        tbody th { vertical-align: top; border-bottom: 1px solid var(--grid); font-weight: 600; }
        th.center[colspan] { border-bottom: 1px solid var(--grid); }
        dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .3rem 1.25rem; }
        dt { color: var(--muted); } dd { margin: 0; }
        .callout { border-left: 4px solid var(--accent); background: var(--panel);
          border-radius: 0 6px 6px 0; padding: .75rem 1rem; margin: 1rem 0; }
        .callout > strong:first-child { color: var(--accent); margin-right: .4em; }
        .callout.warning { border-color: var(--warning); }
        .callout.warning > strong:first-child { color: var(--warning); }
        figure { margin: 1.5rem 0; }
        figcaption { font-weight: 600; margin-bottom: .5rem; }
        details { color: var(--muted); font-size: .9rem; }
        .chart { display: block; width: 100%; height: auto; }
        .chart text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
          fill: var(--ink); font-variant-numeric: tabular-nums; }
        .chart text.muted, .chart text.axis-title { fill: var(--muted); }
        .chart text.on-weak { fill: var(--on-weak); } .chart text.on-strong { fill: var(--on-strong); }
        .chart .grid { stroke: var(--grid); } .chart .axis { stroke: var(--muted); }
        .chart .whisker { stroke: var(--ink); stroke-width: 1.2; }
        .chart .trace { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .chart .key { stroke-width: 3; }
        .chart .spread { stroke-width: 1.2; opacity: .75; }
        @media print {
          :root { --paper: #ffffff; --ink: #000000; --muted: #444444; --grid: #cccccc;
            --panel: #f4f4f4; --accent: #0b62b0; --warning: #9a5b00; --best: #e8f4ea;
            --weak: #eef3f8; --strong: #0b4f8a; --on-weak: #000000; --on-strong: #ffffff;
            --series-1: #0b62b0; --series-2: #d1620a; --series-3: #1d8a57; --series-4: #a3308f;
            --series-5: #6a7d00; --series-6: #c22a3a; --series-7: #1496a6; --series-8: #6b5bd2; }
          body { font-size: 11pt; } main { max-width: none; padding: 0; }
          figure, table, pre, .callout { break-inside: avoid; } h2, h3 { break-after: avoid; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          nav, details { display: none; } pre { white-space: pre-wrap; }
        }
        """
}
