import ResNetV2
import Tensors

/// Walks through the modules of a network and makes the rows of its summary.
struct SummaryCounter {
  private let graph: Graph
  private let style: SummaryStyle
  /// The shape of every node's value; `nil` without an input.
  private let shapes: [Shape]?
  private var indices: [Int: Int] = [:]

  private(set) var rows: [SummaryRow] = []

  /// What a module and all that lies within it come to.
  struct Totals {
    var parameters = 0
    var trained = 0
    var multAdds = 0
    /// The numbers that layers with parameters put out.
    var values = 0
  }

  init(_ graph: Graph, style: SummaryStyle, input: Shape?) throws(SummaryError) {
    self.graph = graph
    self.style = style
    do throws(InputShapeError) {
      shapes = if let input { try graph.shapes(for: input) } else { nil }
    } catch {
      throw .input(error)
    }
  }

  /// Adds the rows of a module and of all that lies within it.
  mutating func count(_ module: SummaryModule, depth: Int) throws(SummaryError) -> Totals {
    let position = rows.count
    rows.append(row(module, depth: depth))
    var totals = try ownTotals(of: module)
    for child in module.children {
      let part = try count(child, depth: depth + 1)
      totals.parameters = try totals.parameters.adding(part.parameters)
      totals.trained = try totals.trained.adding(part.trained)
      totals.multAdds = try totals.multAdds.adding(part.multAdds)
      totals.values = try totals.values.adding(part.values)
    }
    rows[position].parameters = totals.parameters
    rows[position].trainedParameters = totals.trained
    rows[position].multAdds = shapes == nil ? nil : totals.multAdds
    return totals
  }

  private mutating func row(_ module: SummaryModule, depth: Int) -> SummaryRow {
    let index = indices[depth, default: 0] + 1
    indices[depth] = index
    return SummaryRow(
      depth: depth, index: index, className: module.className, name: module.name,
      part: graph.nodes[module.output].place.part, isLeaf: module.children.isEmpty,
      isRepeated: module.isRepeated,
      inputShape: dimensions(of: module.input, form: .value),
      outputShape: dimensions(of: module.output, form: module.form),
      kernel: module.nodes.first.flatMap { graph.nodes[$0].operation.kernel },
      parameters: 0, trainedParameters: 0, multAdds: nil)
  }

  private func dimensions(of node: Int, form: SummaryModule.OutputForm) -> [Int]? {
    shapes.map { style.dimensions($0[node].dimensions, form: form) }
  }

  /// What the nodes of a layer come to.
  private func ownTotals(of module: SummaryModule) throws(SummaryError) -> Totals {
    var totals = Totals()
    for index in module.nodes {
      let node = graph.nodes[index]
      var trained = 0
      for parameter in node.parameters {
        let count = parameter.shape.elementCount
        if parameter.role.isTrained { trained = try trained.adding(count) }
        if parameter.role.isTrained || style.countsStatistics, !module.isRepeated {
          totals.parameters = try totals.parameters.adding(count)
        }
      }
      if !module.isRepeated { totals.trained = try totals.trained.adding(trained) }
      if let shape = shapes?[index], trained > 0 {
        let uses = try node.operation.uses(perParameterFor: shape)
        totals.multAdds = try totals.multAdds.adding(trained.multiplying(uses))
        totals.values = try totals.values.adding(shape.elementCount)
      }
    }
    return totals
  }
}

extension Node.Place {
  /// The stage, or what comes before all and after all of them.
  fileprivate var part: String {
    switch self {
    case .input, .stem: "stem"
    case .stage(let stage, _, _): "stage \(stage)"
    case .head: "head"
    }
  }
}

extension Operation {
  fileprivate var kernel: SummaryRow.Kernel? {
    switch self {
    case .convolution(let convolution): .convolution(convolution.kernel)
    case .maxPool(let pool), .averagePool(let pool): .pool(pool.size)
    // Frameworks have no such layer: they take a pool of window 1.
    case .subsample: .pool(1)
    case .input, .adjust, .norm, .activation, .padChannels, .add, .globalAverage, .globalMaximum,
      .flatten, .dense:
      nil
    }
  }

  /// How often a pass multiplies by each parameter: once per image, and by a kernel at every output
  /// pixel.
  fileprivate func uses(perParameterFor output: Shape) throws(SummaryError) -> Int {
    guard case .convolution = self else { return output[0] }
    return try output[0].multiplying(output[1]).multiplying(output[2])
  }
}

extension Int {
  /// The sum, or an error where it does not fit.
  func adding(_ other: Int) throws(SummaryError) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    guard !overflow else { throw .tooLarge }
    return sum
  }

  /// The product, or an error where it does not fit.
  func multiplying(_ other: Int) throws(SummaryError) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    guard !overflow else { throw .tooLarge }
    return product
  }
}
