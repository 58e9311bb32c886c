extension HTMLRenderer {
    /// The page's style.
    static let style = """
        \(ReportStyle.colors)
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
        h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
        h2 { font-size: 1.35rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem;
          border-bottom: 1px solid var(--grid); }
        h3 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
        h1, h2, h3, p, li, dd, figcaption, caption { overflow-wrap: anywhere; }
        td, th { overflow-wrap: break-word; max-width: 24rem; }
        .summary { color: var(--muted); font-size: 1.05rem; margin-top: 0; }
        a { color: var(--accent); }
        nav { background: var(--panel); border-radius: 6px; padding: .25rem 1rem; }
        nav ol { columns: 20rem; }
        code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
          monospace; font-size: .9em; }
        code { background: var(--panel); border-radius: 3px; padding: .1em .3em; }
        pre { background: var(--panel); border-radius: 6px; padding: .75rem 1rem; overflow-x: auto; }
        pre code { padding: 0; background: none; }
        .scroll { overflow-x: auto; margin: 1rem 0; }
        .wide { width: max-content; max-width: calc(100vw - 2.5rem); min-width: 100%;
          position: relative; left: 50%; transform: translateX(-50%); }
        .wide th, .wide td { padding: .3rem .55rem; font-size: .95em; }
        .wide td.left, .wide th.left { white-space: nowrap; }
        td.edge { border-left: 1px solid var(--grid); }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
        th, td { padding: .35rem .8rem; border-bottom: 1px solid var(--grid); vertical-align: top;
          min-width: 3.5rem; }
        th { border-bottom: 2px solid var(--muted); vertical-align: bottom; }
        tbody tr:hover { background: var(--panel); }
        .left { text-align: left; } .center { text-align: center; }
        .right { text-align: right; white-space: nowrap; }
        .best { background: var(--best); } .tied { background: var(--panel); }
        td small { color: var(--muted); font-weight: 400; font-size: .8em; }
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
        \(ReportStyle.drawings)
        @media print {
          body { font-size: 11pt; } main { max-width: none; padding: 0; }
          figure, table, pre, .callout { break-inside: avoid; } h2, h3 { break-after: avoid; }
          nav, details { display: none; } pre { white-space: pre-wrap; }
          .scroll { overflow: visible; } table { font-size: 8pt; }
          .wide { width: auto; max-width: none; left: 0; transform: none; font-size: 7pt; }
          .wide th, .wide td { padding: .15rem .3rem; min-width: 0; }
        }
        """
}
