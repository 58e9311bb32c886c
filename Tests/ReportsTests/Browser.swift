import Foundation

/// A Chromium that opens pages without a screen and measures them.
struct Browser {
    /// What a page measured.
    struct Page: Decodable {
        let title: String
        let headings: [String]
        /// Width and height of each drawing, in pixels.
        let drawings: [[Double]]
        /// Width and height of each table.
        let tables: [[Double]]
        /// The labels of drawings that lie outside of them.
        let outside: [String]
        /// How much wider than the window the page is.
        let overflow: Double
        let background: String
        let ink: String
    }

    /// What happened while pages were open.
    struct Outcome {
        let pages: [Page]
        /// What the browser wrote to its console: errors, and what the page's policy forbade.
        let console: [String]
        /// The addresses that were asked for, the browser's own maker's aside.
        let requests: [String]
    }

    /// The browser named by `RECIPE_BROWSER`, else the first of the usual names in the path.
    static let executable: URL? = {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["RECIPE_BROWSER"], !named.isEmpty { return URL(filePath: named) }
        let names = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"]
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return names.lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
            .map { URL(filePath: $0) }
    }()

    let executable: URL
    /// Where it may write.
    let folder: URL

    /// Opens each page in a frame of its width, and measures it.
    func open(_ pages: [(html: String, width: Int)], dark: Bool = false) throws -> Outcome {
        for (index, page) in pages.enumerated() {
            try Data(page.html.utf8).write(to: folder.appending(path: "page-\(index).html"))
        }
        let harness = folder.appending(path: "harness.html")
        try Data(Self.harness(pages.map(\.width)).utf8).write(to: harness)
        let log = folder.appending(path: "net.json")
        let (output, errors) = try run([
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update",
            "--disable-extensions", "--disable-default-apps", "--enable-logging=stderr",
            // The page that measures may look into the one that it measures.
            "--allow-file-access-from-files", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--user-data-dir=\(folder.appending(path: "profile").path)",
            "--log-net-log=\(log.path)", "--virtual-time-budget=10000",
            "--blink-settings=preferredColorScheme=\(dark ? 0 : 1)", "--dump-dom",
            harness.absoluteString,
        ])
        guard let text = output.firstMatch(of: #/<pre id="result">([^<]*)<\/pre>/#)?.output.1 else {
            throw Failure(description: "the browser wrote no page: \(output) \(errors)")
        }
        let plain = text.replacing("&lt;", with: "<").replacing("&gt;", with: ">")
            .replacing("&amp;", with: "&")
        let network = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
        let requests = Set(network.matches(of: #/"url":"(https?:[^"]+)"/#).map(\.output.1))
        return Outcome(
            pages: try JSONDecoder().decode([Page].self, from: Data(plain.utf8)),
            console: errors.split(separator: "\n").filter { $0.contains(":CONSOLE") }
                .map(String.init),
            requests: requests.map(String.init).filter { request in
                let host = URL(string: request)?.host() ?? request
                return !["googleapis.com", "google.com", "gvt1.com", "gstatic.com"].contains {
                    host.hasSuffix($0)
                }
            })
    }

    struct Failure: Error, CustomStringConvertible { let description: String }

    private func run(_ arguments: [String]) throws -> (output: String, errors: String) {
        let output = folder.appending(path: "output"), errors = folder.appending(path: "errors")
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        for file in [output, errors] {
            try Data().write(to: file)
        }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let deadline = Date(timeIntervalSinceNow: 120)
        while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.05) }
        guard !process.isRunning else {
            process.terminate()
            throw Failure(description: "the browser did not end within two minutes")
        }
        return (
            try String(contentsOf: output, encoding: .utf8),
            String(decoding: try Data(contentsOf: errors), as: UTF8.self)
        )
    }

    private static func harness(_ widths: [Int]) -> String {
        let frames = widths.enumerated().map { index, width in
            "<iframe src=\"page-\(index).html\" style=\"width:\(width)px;height:800px;border:0\">"
                + "</iframe>"
        }
        return """
            <!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
            \(frames.joined())
            <pre id="result"></pre>
            <script>
            const all = (root, names) => [...root.querySelectorAll(names)];
            const size = (element) => {
              const box = element.getBoundingClientRect();
              return [box.width, box.height];
            };
            const isOutside = (text) => {
              const box = text.getBoundingClientRect();
              const frame = text.ownerSVGElement.getBoundingClientRect();
              return box.left < frame.left - 1 || box.right > frame.right + 1
                || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
            };
            window.onload = () => {
              const pages = all(document, "iframe").map((frame) => {
                const page = frame.contentDocument;
                const style = frame.contentWindow.getComputedStyle(page.body);
                const root = page.documentElement;
                return {
                  title: page.title, headings: all(page, "h1, h2").map((h) => h.textContent),
                  drawings: all(page, "svg").map(size), tables: all(page, ".scroll > table").map(size),
                  outside: all(page, "svg text").filter(isOutside).map((t) => t.textContent),
                  overflow: root.scrollWidth - root.clientWidth,
                  background: style.backgroundColor, ink: style.color,
                };
              });
              document.getElementById("result").textContent = JSON.stringify(pages);
            };
            </script>
            """
    }
}
