package import Comparison
import Crypto
import Families
import FoundationEssentials
import ResNetV2
import Tensors

/// A comparison as one HTML page that needs nothing else: no network, no other file.
///
/// The verdict and its command line, the network drawn with each layer in the colour of its error,
/// the error along the depth, the chosen layer's differences by size and by channel, and a table of
/// all layers that can be sorted.
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
    let style = String(decoding: PackageResources.report_css, as: UTF8.self)
    let script = String(decoding: PackageResources.report_js, as: UTF8.self)
    let word = result.verdict.passes ? "PASS" : "FAIL"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      style-src '\(digest(style))'; script-src '\(digest(script))'; img-src data:; base-uri 'none'; \
      form-action 'none'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <link rel="icon" href="data:,">
      <title>\(word): \(title.escapedForMarkup)</title>
      <style>\(style)</style>
      </head>
      <body>
      <a class="skip" href="#layers">Skip to the table of layers</a>
      \(HTMLVerdict(title: title, command: command, result: result).markup)
      <main>
      \(HTMLDrawing(result).markup)
      \(HTMLPanel.markup)
      \(HTMLChart(result).markup)
      \(HTMLTable(result).markup)
      </main>
      \(Self.footer)
      <script type="application/json" id="data">\(HTMLLayerData(result).json)</script>
      <script>\(script)</script>
      </body>
      </html>

      """
  }

  /// The source expression that lets a content security policy accept exactly this text.
  private func digest(_ text: String) -> String {
    "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
  }

  private static let footer = """
    <footer>
    <p>The <em>scaled error</em> of a layer is max |a − b| ÷ max |b|: a what the model computes, b the reference. \
    A layer passes when its scaled error is at most its limit.</p>
    <p>This page is one file and asks nothing of the network.</p>
    </footer>
    """
}
