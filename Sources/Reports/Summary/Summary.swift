package import ResNetV2
package import Tensors

/// What a network is made of: its modules as a table with shapes, parameters and work, and the
/// totals.
///
/// The rules of counting are torchinfo's (version 1.8.0), so that the figures can be compared: a
/// convolution does one mult-add per weight, image and output pixel; every other layer one per
/// trained parameter and image. Only layers with parameters count for the size of a pass.
package struct Summary: Sendable {
  /// All modules, each before those within it; the first is the network itself.
  package let rows: [SummaryRow]

  /// The parameters of the network.
  package let totalParameters: Int

  /// Those that training changes.
  package let trainableParameters: Int

  /// The work and memory of a pass; `nil` without an input.
  package let pass: Pass?

  /// Whether names are shown unless something else is asked for.
  let showsNames: Bool

  /// The work and memory of one pass over an input.
  package struct Pass: Hashable, Sendable {
    /// The multiplications with an addition.
    package let multAdds: Int
    /// The bytes of the input as PyTorch holds it.
    package let inputBytes: Int
    /// The bytes of the values of all layers with parameters, and of their gradients.
    package let valueBytes: Int
    /// The bytes of the parameters.
    package let parameterBytes: Int
    /// All three together.
    package let totalBytes: Int
  }

  /// What torchinfo adds to the bytes of an input: the object that PyTorch keeps it in.
  private static let storageOverhead = 64

  /// Float32, which everything is counted as.
  static let bytesPerValue = 4

  /// Summarises a network.
  ///
  /// - Parameters:
  ///   - graph: the network.
  ///   - style: in whose form.
  ///   - input: the input as [N, H, W, C]; without one there are no shapes, no mult-adds and no sizes.
  /// - Throws: ``SummaryError`` where the input does not fit the network or a count does not fit an integer.
  package init(
    of graph: Graph, style: SummaryStyle, input: Shape? = nil
  ) throws(SummaryError) {
    var counter = try SummaryCounter(graph, style: style, input: input)
    let listing: SummaryListing = input == nil ? .modules : .calls
    let totals = try counter.count(style.root(of: graph, listing: listing), depth: 0)
    rows = counter.rows
    totalParameters = totals.parameters
    trainableParameters = totals.trained
    showsNames = style.showsNames
    guard let input else {
      pass = nil
      return
    }
    let inputBytes = try Summary.storageOverhead.adding(
      input.elementCount.multiplying(Summary.bytesPerValue))
    let valueBytes = try totals.values.multiplying(2 * Summary.bytesPerValue)
    let parameterBytes = try totals.parameters.multiplying(Summary.bytesPerValue)
    pass = Pass(
      multAdds: totals.multAdds, inputBytes: inputBytes, valueBytes: valueBytes,
      parameterBytes: parameterBytes,
      totalBytes: try inputBytes.adding(valueBytes).adding(parameterBytes))
  }

  /// A summary of rows that were counted elsewhere.
  init(
    rows: [SummaryRow], totalParameters: Int, trainableParameters: Int, pass: Pass?,
    showsNames: Bool
  ) {
    self.rows = rows
    self.totalParameters = totalParameters
    self.trainableParameters = trainableParameters
    self.pass = pass
    self.showsNames = showsNames
  }

  /// The input of [N, H, W, C] that four sizes mean: N,C,H,W or N,H,W,C, whichever has the channels
  /// in its place.
  ///
  /// - Parameters:
  ///   - sizes: the sizes as given.
  ///   - graph: the network, which tells the channels.
  ///   - layout: which of the two it is where both fit.
  /// - Throws: ``SummaryError/sizes(_:channels:)`` where neither fits.
  package static func input(
    _ sizes: [Int], for graph: Graph, layout: SummaryStyle.Layout
  ) throws(SummaryError) -> Shape {
    let channels = graph.configuration.input.channels
    let orders: [SummaryStyle.Layout] = layout == .nchw ? [.nchw, .nhwc] : [.nhwc, .nchw]
    if sizes.count == 4, sizes.allSatisfy({ $0 > 0 }) {
      for order in orders where sizes[order == .nchw ? 1 : 3] == channels {
        let images = order == .nchw ? [sizes[0], sizes[2], sizes[3], sizes[1]] : sizes
        if let shape = Shape(validating: images) { return shape }
      }
    }
    throw .sizes(sizes, channels: channels)
  }
}
