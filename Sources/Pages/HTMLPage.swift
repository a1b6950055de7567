import Crypto
import FoundationEssentials

/// One HTML page that needs nothing else: no network, no other file.
///
/// Styles and scripts are within it, and its content security policy accepts these and nothing besides.
package struct HTMLPage: Sendable {
  /// What the window is called, as markup.
  package var title: String
  /// What the body holds, as markup.
  package var body: String
  /// The style sheets, in their order.
  package var styles: [String]
  /// The scripts, in their order.
  package var scripts: [String]

  /// Describes a page.
  package init(title: String, body: String, styles: [String], scripts: [String]) {
    self.title = title
    self.body = body
    self.styles = styles
    self.scripts = scripts
  }

  /// The page, with a line break at the end.
  package var text: String {
    let style = styles.joined(separator: "\n")
    let script = scripts.joined(separator: "\n")
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
      <title>\(title)</title>
      <style>\(style)</style>
      </head>
      <body>
      \(body)
      <script>\(script)</script>
      </body>
      </html>

      """
  }

  /// The source expression that lets a content security policy accept exactly this text.
  private func digest(_ text: String) -> String {
    "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
  }
}
