package import Comparison
import Families
import Pages
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
    let script = String(decoding: PackageResources.report_js, as: UTF8.self)
    let word = result.verdict.passes ? "PASS" : "FAIL"
    let body = """
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
      """
    return HTMLPage(
      title: "\(word): \(title.escapedForMarkup)", body: body, styles: [Self.style],
      scripts: [Self.tableScript, script]
    ).text
  }

  /// The colours and shapes of the pages of this room.
  static var style: String { String(decoding: PackageResources.report_css, as: UTF8.self) }

  /// What sorts a table of layers, and finds rows in it.
  static var tableScript: String { String(decoding: PackageResources.table_js, as: UTF8.self) }

  private static let footer = """
    <footer>
    <p>The <em>scaled error</em> of a layer is max |a − b| ÷ max |b|: a what the model computes, b the reference. \
    A layer passes when its scaled error is at most its limit.</p>
    <p>This page is one file and asks nothing of the network.</p>
    </footer>
    """
}
