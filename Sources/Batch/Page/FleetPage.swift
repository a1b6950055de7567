import Pages
import Plain

/// A verdict of many items as one HTML page that needs nothing else: sums, what failures have in common, and all items,
/// which can be sorted and filtered.
package struct FleetPage {
  /// The command line that made the page.
  package let command: String
  private let verdict: FleetVerdict
  private let summary: FleetSummary

  /// Describes a page.
  package init(_ verdict: FleetVerdict, _ summary: FleetSummary, command: String) {
    (self.verdict, self.summary, self.command) = (verdict, summary, command)
  }

  /// The page.
  package var text: String {
    let word = verdict.passes ? "PASS" : "FAIL"
    let data = FleetPageData(verdict)
    let body = """
      <a class="skip" href="#items">Skip to the items</a>
      <header class="\(verdict.passes ? "pass" : "fail")">
      <div class="headline"><span class="badge">\(verdict.passes ? "✓" : "✗") \(word)</span><h1>\(headline)</h1></div>
      <p class="command"><code>\(Escaped.markup(command))</code></p>
      <dl class="facts">
      \(facts.map { "<dt>\($0)</dt><dd>\(Escaped.markup($1))</dd>" }.joined(separator: "\n"))
      </dl>
      </header>
      <main>
      \(groups(data))
      \(worst)
      \(items)
      </main>
      <footer><p>The error of the worst layer is in units of its limit: up to 1 passes. This page is one file and asks \
      nothing of the network.</p></footer>
      <noscript><p class="soft">The items are shown, sorted and filtered by a script.</p></noscript>
      <script type="application/json" id="data">\(data.json)</script>
      """
    return HTMLPage(
      title: "\(word): \(verdict.count)", body: body,
      styles: [String(decoding: PackageResources.fleet_css, as: UTF8.self)],
      scripts: [String(decoding: PackageResources.fleet_js, as: UTF8.self)]
    ).text
  }

  private var headline: String {
    let all = verdict.count
    return verdict.passes
      ? "\(all): every one passes"
      : "\(grouped(verdict.records.count - (summary.counts[.pass] ?? 0))) of \(all) do not pass"
  }

  private var facts: [(String, String)] { summary.facts(of: verdict) }

  private func groups(_ data: FleetPageData) -> String {
    guard !summary.groups.isEmpty else { return "" }
    let rows = summary.groups.map { group in
      let word = group.judgement.rawValue
      let text = Escaped.markup(group.reason.shortened(to: FleetPageData.longestReason))
      let shown =
        data.reasons[FleetPageData.shown(group.reason)].map {
          "<button type=\"button\" data-reason=\"\($0)\">\(text)</button>"
        } ?? text
      return
        "<tr><td class=\"number\">\(grouped(group.count))</td><td class=\"j-\(word)\">\(word)</td>"
        + "<td class=\"reason\">\(shown)</td>"
        + "<td class=\"reason\">\(Escaped.markup(group.example.shortened(to: 240)))</td></tr>"
    }
    return """
      <section id="groups" class="card" aria-labelledby="groups-title"><h2 id="groups-title">What failures have in common</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of reasons"><table>
      <thead><tr><th scope="col" class="number">items</th><th scope="col">judged</th><th scope="col">reason</th>\
      <th scope="col">one of them</th></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div></section>
      """
  }

  private var worst: String {
    guard !summary.worst.isEmpty else { return "" }
    let rows = summary.worst.map {
      "<tr><th scope=\"row\">\(Escaped.markup($0.name.shortened(to: 120)))</th><td>\(Escaped.markup($0.layer.shortened(to: 120)))</td>"
        + "<td class=\"number\">\(readable($0.timesLimit))</td></tr>"
    }
    return """
      <section class="card" aria-labelledby="worst-title"><h2 id="worst-title">Worst layers</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of worst layers"><table>
      <thead><tr><th scope="col">item</th><th scope="col">layer</th><th scope="col" class="number">error ÷ limit</th></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div></section>
      """
  }

  private var items: String {
    var headings = [
      ("item", false), ("judged", false), ("network", false), ("worst layer", false),
      ("error ÷ limit", true), ("source, bytes", true), ("file, bytes", true), ("saved", true),
      ("reason", false),
    ]
    if summary.time != nil { headings.append(("seconds", true)) }
    let head = headings.map { title, isNumber in
      "<th scope=\"col\" aria-sort=\"none\"\(isNumber ? " class=\"number\"" : "")>"
        + "<button type=\"button\">\(title)</button></th>"
    }
    let choices = Judgement.allCases.filter { summary.counts[$0] ?? 0 > 0 }.map {
      "<option value=\"\($0.rawValue)\">\($0.rawValue) (\(grouped(summary.counts[$0] ?? 0)))</option>"
    }
    return """
      <section id="items" class="card" aria-labelledby="items-title" hidden><h2 id="items-title">Items</h2>
      <div class="tools">
      <label>judged <select id="judgement"><option value="">all</option>\(choices.joined())</select></label>
      <label>reason <select id="reason"><option value="">any</option></select></label>
      <label>find <input type="search" id="search" autocomplete="off" spellcheck="false"></label>
      <span id="announcement" class="soft" role="status"></span></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of items"><table>
      <caption class="unseen">All items; headings sort</caption>
      <thead><tr>\(head.joined())</tr></thead><tbody></tbody></table></div>
      <p class="tools"><button type="button" id="more">Show 1,000 more</button></p>
      </section>
      """
  }
}
