import Conversion
import Plain
import Tensors

extension Inspection {
  /// The orders in which tensors are listed.
  enum Order: String, CaseIterable {
    /// That of the file.
    case file
    case name
    /// The largest first.
    case size
  }

  /// The listing for a terminal.
  ///
  /// - Parameter names: which tensors are listed; all where `nil`.
  func text(order: Order, names: Glob?) -> String {
    var lines = heading
    let listed = sorted(tensors, by: order).filter { names?.matches($0.name) ?? true }
    let bytes = tensors.reduce(0) { $0 + $1.bytes }
    let elements = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    lines.append(
      "tensors       \(tensors.count), \(grouped(elements)) values, \(grouped(bytes)) bytes"
        + (names == nil ? "" : "; \(listed.count) listed"))
    guard !listed.isEmpty else { return joined(lines) }
    lines.append("")
    let names = listed.map {
      $0.name.shortened(to: String.longestName).escapingControlCharacters
    }
    let width = max(names.map(\.count).max() ?? 0, 6)
    let sizes = ["bytes"] + listed.map { grouped($0.bytes) }
    let sizeWidth = sizes.map(\.count).max() ?? 0
    let shapes = ["shape"] + listed.map { Shape($0.shape).description }
    let shapeWidth = shapes.map(\.count).max() ?? 0
    func row(_ name: String, _ dtype: String, _ size: String, _ shape: String, _ values: String)
      -> String
    {
      "\(name.padded(to: width))  \(dtype.padded(to: 8))  \(size.leftPadded(to: sizeWidth))  "
        + (values.isEmpty ? shape : "\(shape.padded(to: shapeWidth))  \(values)")
    }
    let hasValues = listed.contains { $0.statistics != nil }
    lines.append(
      row("tensor", "type", sizes[0], shapes[0], hasValues ? "smallest … largest, mean" : ""))
    for (index, tensor) in listed.enumerated() {
      lines.append(
        row(
          names[index], tensor.dtype, sizes[index + 1], shapes[index + 1],
          tensor.statistics?.text ?? ""))
    }
    return joined(lines)
  }

  private var heading: [String] {
    var lines = ["container     \(container), \(grouped(fileBytes)) bytes"]
    if let architecture, let family {
      lines.append("network       \(architecture), family \(family)")
    } else {
      lines.append("network       not known: it \(problem ?? "")")
    }
    if let publication { lines.append("published     \(publication.words)") }
    if let fingerprints {
      lines.append("certificate   with fingerprints of \(counted(fingerprints, "layer"))")
    }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      let count = value.unicodeScalars.count
      let short =
        count > 100
        ? "\(String(value.unicodeScalars.prefix(100)))… (\(grouped(count)) characters; --key \(key))"
        : value
      lines.append("\(key.shortened(to: String.longestName).padded(to: 13)) \(short)")
    }
    return lines
  }

  private func sorted(_ tensors: [Tensor], by order: Order) -> [Tensor] {
    switch order {
    case .file: tensors
    case .name: tensors.sorted { $0.name < $1.name }
    case .size: tensors.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    }
  }

  private func joined(_ lines: [String]) -> String {
    lines.map(\.escapingControlCharacters).joined(separator: "\n") + "\n"
  }
}

extension Inspection.Statistics {
  fileprivate var text: String {
    "\(readable(Double(minimum), digits: 4)) … \(readable(Double(maximum), digits: 4)), "
      + "mean \(readable(mean, digits: 4))"
      + (notFinite > 0 ? ", \(notFinite) NOT FINITE" : "")
  }
}
