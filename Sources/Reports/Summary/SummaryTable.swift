import Plain
import ResNetV2
import Tensors

/// A summary as text: torchinfo's table, character for character.
package struct SummaryTable: Sendable {
  private let summary: Summary
  private let columns: [SummaryColumn]
  private let options: Options
  private let nameWidth: Int

  /// How the table is printed.
  package struct Options: Hashable, Sendable {
    /// The depth below which modules are not shown; one that is cut there shows the sums of all
    /// within it.
    package var depth: Int
    /// Whether each module's name stands behind its class; `nil` for what suits the style.
    package var showsNames: Bool?
    /// Whether the tree is drawn with ASCII only.
    package var isASCII: Bool

    /// Makes the options; the defaults are torchinfo's.
    package init(depth: Int = 3, showsNames: Bool? = nil, isASCII: Bool = false) {
      self.depth = depth
      self.showsNames = showsNames
      self.isASCII = isASCII
    }
  }

  /// The width of every column but the first.
  private static let columnWidth = 25

  /// The least width of the first column.
  private static let leastNameWidth = 40

  /// By how much one level of the tree is indented; the first column is as wide as a multiple of
  /// it.
  private static let indentation = 5

  /// Prepares a table.
  ///
  /// - Parameters:
  ///   - summary: what is shown.
  ///   - columns: the columns after the first; `nil` for output shapes, where known, and parameters.
  ///   - options: how it is printed.
  /// - Throws: ``SummaryError/columnsNeedInput(_:)`` where the summary was made without an input.
  package init(
    _ summary: Summary, columns: [SummaryColumn]? = nil, options: Options = Options()
  ) throws(SummaryError) {
    let hasInput = summary.pass != nil
    let columns = columns ?? (hasInput ? [.outputSize, .parameterCount] : [.parameterCount])
    let unknown = columns.filter { $0.needsInput && !hasInput }
    guard unknown.isEmpty else { throw .columnsNeedInput(unknown) }
    self.summary = summary
    self.columns = columns
    self.options = options
    let showsNames = options.showsNames ?? summary.showsNames
    let longest =
      summary.rows.map { row in
        row.depth * Self.indentation + 1 + row.title(showsName: showsNames).count
      }.max() ?? 0
    let steps = (longest + Self.indentation - 1) / Self.indentation
    nameWidth =
      longest >= Self.leastNameWidth ? steps * Self.indentation : Self.leastNameWidth
  }

  /// The table with its totals, with a line break at the end.
  package var text: String {
    let divider = String(
      repeating: "=", count: columns.count * Self.columnWidth + nameWidth)
    let header = line(
      "Layer (type\(showsNames ? " (var_name)" : ""):depth-idx)", columns.map(\.title))
    let rows = summary.rows.filter { $0.depth <= options.depth }.map { row in
      line(branch(row.depth) + row.title(showsName: showsNames), columns.map { cell($0, of: row) })
    }
    var lines = [divider, header, divider] + rows + [divider] + totals
    if let pass = summary.pass {
      lines += ["Total mult-adds\(quantity(pass.multAdds))", divider] + sizes(pass)
    }
    return (lines + [divider]).joined(separator: "\n") + "\n"
  }

  private var showsNames: Bool { options.showsNames ?? summary.showsNames }

  // MARK: - Lines

  private func line(_ name: String, _ cells: [String]) -> String {
    var line = name.padded(to: nameWidth)
    for cell in cells { line += " " + cell.padded(to: Self.columnWidth) }
    while line.last == " " { line.removeLast() }
    return line
  }

  private func branch(_ depth: Int) -> String {
    guard depth > 0 else { return "" }
    let (trunk, first, twig) = options.isASCII ? ("|    ", "+ ", "+ ") : ("│    ", "├─", "└─")
    return depth == 1 ? first : String(repeating: trunk, count: depth - 1) + twig
  }

  private var totals: [String] {
    let fixed = summary.totalParameters - summary.trainableParameters
    return [
      "Total params: \(grouped(summary.totalParameters))",
      "Trainable params: \(grouped(summary.trainableParameters))",
      "Non-trainable params: \(grouped(fixed))",
    ]
  }

  private func sizes(_ pass: Summary.Pass) -> [String] {
    func megabytes(_ bytes: Int) -> String { hundredths(Double(bytes) / 1e6) }
    return [
      "Input size (MB): \(megabytes(pass.inputBytes))",
      "Forward/backward pass size (MB): \(megabytes(pass.valueBytes))",
      "Params size (MB): \(megabytes(pass.parameterBytes))",
      "Estimated Total Size (MB): \(megabytes(pass.totalBytes))",
    ]
  }

  /// The unit and the number, as torchinfo writes them since Python 3.11.
  private func quantity(_ count: Int) -> String {
    let (unit, factor) =
      switch count {
      case 1_000_000_000_000...: ("TERABYTES", 1e12)
      case 1_000_000_000...: ("GIGABYTES", 1e9)
      default: ("MEGABYTES", 1e6)
      }
    let number = Double(count) / factor
    let isWhole = number == number.rounded()
    return
      " (Units.\(unit)): \(isWhole ? grouped(Int(number)) : hundredths(number, isGrouped: true))"
  }

  // MARK: - Cells

  private func cell(_ column: SummaryColumn, of row: SummaryRow) -> String {
    let isCut = row.depth == options.depth
    let isSum = row.isLeaf || isCut
    switch column {
    case .inputSize: return row.inputShape.map(list) ?? "--"
    case .outputSize: return row.outputShape.map(list) ?? "--"
    case .kernelSize:
      return switch row.kernel {
      case .convolution(let size): list([size, size])
      case .pool(let size): String(size)
      case nil: "--"
      }
    case .parameterCount:
      guard row.parameters > 0, isSum else { return "--" }
      return row.trainedParameters > 0 ? grouped(row.parameters) : "(\(grouped(row.parameters)))"
    case .parameterPercent:
      // torchinfo marks further calls here only: in the other column a layer without parameters has
      // no number.
      if row.isRepeated, summary.totalParameters > 0 { return "(recursive)" }
      guard row.parameters > 0, isSum else { return "     --" }
      let percent = hundredths(Double(row.parameters) / Double(summary.totalParameters) * 100)
      return String(repeating: " ", count: max(0, 6 - percent.count)) + percent + "%"
    case .multAdds:
      guard let multAdds = row.multAdds, multAdds > 0, isSum else { return "--" }
      return grouped(multAdds)
    case .trainable:
      guard row.parameters > 0 else { return "--" }
      if row.trainedParameters == 0 { return "False" }
      return row.trainedParameters == row.parameters ? "True" : "Partial"
    }
  }

  private func list(_ sizes: [Int]) -> String {
    "[" + sizes.map(String.init).joined(separator: ", ") + "]"
  }
}

extension SummaryRow {
  /// The class, perhaps the name, and below the network itself the depth and index.
  fileprivate func title(showsName: Bool) -> String {
    let shown = name.shortened(to: String.longestName).escapingControlCharacters
    let named = showsName && !name.isEmpty ? "\(className) (\(shown))" : className
    return depth > 0 ? "\(named): \(depth)-\(index)" : named
  }
}
