import Families
import ResNetV2
import Tensors

/// A comparison as one HTML page that needs nothing else: no network, no other file.
///
/// The verdict and its command line, the network drawn with each layer in the colour of its error,
/// the error along the depth, and a table of all layers that can be sorted.
package struct HTMLReport: Sendable {
  /// The title, such as the two files that were compared.
  package var title: String

  /// The command line that made the comparison.
  package var command: String?

  /// Describes a report.
  package init(title: String, command: String? = nil) {
    self.title = title
    self.command = command
  }

  /// The page.
  package func text(for result: Comparison.Outcome) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" \
    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
    <link rel="icon" href="data:,">
    <title>\(title.escapedForMarkup)</title>
    <style>
    \(HTMLAssets.style)
    </style>
    </head>
    <body>
    <main>
    \(verdict(of: result))
    \(HTMLDrawing(result).markup)
    \(HTMLChart(result).markup)
    \(HTMLTable(result).markup)
    </main>
    <script>
    \(HTMLAssets.script)
    </script>
    </body>
    </html>

    """
  }

  private func verdict(of result: Comparison.Outcome) -> String {
    let verdict = result.verdict
    let summary =
      verdict.passes
      ? "\(counted(verdict.compared, "layer")) compared, all within limits"
      : "\(verdict.failed) of \(counted(verdict.compared, "layer")) out of limits"
    let details = verdict.detailLines(result.coverage).map { label, text in
      "<dt>\(label.escapedForMarkup)</dt><dd>\(text.escapedForMarkup)</dd>"
    }
    let command = command.map { "<p><code>\($0.escapedForMarkup)</code></p>" } ?? ""
    return """
      <header class="\(verdict.passes ? "pass" : "fail")">
      <h1>\(title.escapedForMarkup)</h1>
      \(command)
      <p class="verdict"><strong>\(verdict.passes ? "PASS" : "FAIL")</strong> \(summary)</p>
      <dl>
      \(details.joined(separator: "\n"))
      </dl>
      </header>
      """
  }
}

/// How bad an error is, in classes that have a colour.
enum HTMLSeverity: Int, CaseIterable {
  case equal
  case noise
  case small
  case within
  case over
  case far
  case broken

  init(_ layer: LayerComparison) {
    self =
      switch layer.timesLimit {
      case 0: .equal
      case ...0.1: .noise
      case ...0.5: .small
      case ...1: .within
      case ...10: .over
      case ...1000: .far
      default: .broken
      }
  }

  /// What the colour means, for the legend.
  var title: String {
    switch self {
    case .equal: "equal bits"
    case .noise: "up to 0.1 × limit"
    case .small: "up to 0.5 × limit"
    case .within: "within limit"
    case .over: "up to 10 × limit"
    case .far: "up to 1000 × limit"
    case .broken: "more, or not finite"
    }
  }
}
