import Conversion
import Plain
import Tensors

extension Inspection {
  /// The listing for a terminal.
  func text() -> String {
    var lines = ["container     \(container)"]
    if let architecture, let family {
      lines.append("network       \(architecture), family \(family)")
    } else {
      lines.append("network       none: \(problem ?? "")")
    }
    if let publication { lines.append("published     \(publication.words)") }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      let count = value.unicodeScalars.count
      let short =
        count > 100 ? "\(String(value.unicodeScalars.prefix(100)))… (\(count) characters)" : value
      lines.append("\(key.shortened(to: String.longestName).padded(to: 13)) \(short)")
    }
    let elements = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    lines.append("tensors       \(tensors.count), \(elements) values")
    lines.append("")
    let names = tensors.map {
      $0.name.shortened(to: String.longestName).escapingControlCharacters
    }
    let width = names.map(\.count).max() ?? 0
    for (name, tensor) in zip(names, tensors) {
      let shape = Shape(tensor.shape).description
      var line = "\(name.padded(to: width))  \(tensor.dtype.padded(to: 8))  \(shape)"
      if let statistics = tensor.statistics {
        line = line.padded(to: width + 32)
        line += "  \(statistics.minimum) … \(statistics.maximum), mean \(Float(statistics.mean))"
        if statistics.notFinite > 0 { line += ", \(statistics.notFinite) NOT FINITE" }
      }
      lines.append(line)
    }
    return lines.map(\.escapingControlCharacters).joined(separator: "\n") + "\n"
  }
}
