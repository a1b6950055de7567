import Comparison
import Plain
import Tensors

/// What comes first on the page: the verdict, the command line, the first wrong layer.
struct HTMLVerdict {
  let title: String
  let command: String?
  let result: Comparison.Outcome

  var markup: String {
    let verdict = result.verdict
    return """
      <header class="\(verdict.passes ? "pass" : "fail")">
      <p class="title">\(title.escapedForMarkup)</p>
      <div class="headline"><span class="badge">\(verdict.passes ? "✓" : "✗") \(verdict.word)</span>\
      <h1>\(headline(verdict))</h1></div>
      \(command.map { "<p class=\"command\"><code>\(Escaped.markup($0))</code></p>" } ?? "")
      \(culprit(verdict))
      <dl class="facts">
      \(facts(verdict).joined(separator: "\n"))
      </dl>
      </header>
      """
  }

  private func headline(_ verdict: Verdict) -> String {
    if verdict.selection != nil {
      let layers = verdict.comparedLayers.escapedForMarkup
      return verdict.passes
        ? "\(layers) were compared and are within their limits"
        : "\(verdict.failed) of \(layers) are out of their limits"
    }
    return verdict.passes
      ? verdict.compared == 1
        ? "The one layer that was compared is within its limit"
        : "All \(verdict.compared) layers are within their limits"
      : verdict.failed == 0
        ? verdict.failures.escapedForMarkup
        : "\(verdict.failed) of \(counted(verdict.compared, "layer")) are out of their limits"
  }

  private func culprit(_ verdict: Verdict) -> String {
    guard let culprit = verdict.culprit else { return "" }
    let name = culprit.displayName.escapedForMarkup
    let suspicion = culprit.suspicion.map {
      "<p class=\"suspicion\">\($0.description.escapedForMarkup)</p>"
    }
    return """
      <div class="culprit-card"><p>◆ The first wrong layer is \
      <strong><a href="#layer-\(culprit.node)" data-choose="\(culprit.node)">\(name)</a></strong></p>
      \(suspicion ?? "")
      <p class="soft">\(culprit.description.escapedForMarkup)</p></div>
      """
  }

  private func facts(_ verdict: Verdict) -> [String] {
    let compared =
      "\(counted(verdict.compared, "layer")) on \(counted(result.images, "image")) of "
      + result.inputShape.dimensions.dropFirst().map(String.init).joined(separator: "×")
    let details = verdict.detailLines(result.coverage).filter {
      !["culprit", "suspected"].contains($0.label)
    }
    return ([("compared", compared)] + details).map { label, text in
      "<dt>\(label.escapedForMarkup)</dt><dd>\(text.escapedForMarkup)</dd>"
    }
  }
}
