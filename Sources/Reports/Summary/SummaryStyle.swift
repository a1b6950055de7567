import Plain
import ResNetV2

/// In whose form a network is summarised: what the parts are called, how they nest, what is
/// counted.
package enum SummaryStyle: Hashable, Sendable {
  /// The modules of a PyTorch network, as torchinfo prints them.
  ///
  /// Without an input every module is listed once, as registered; with one, each call of it.
  case pyTorch

  /// The flat list of layers of a Keras model, in Keras' own order; stored statistics count as
  /// parameters that are not trained.
  ///
  /// - Parameters:
  ///   - names: the layer of each node, by canonical name.
  ///   - paddings: the layers that only pad the input of a node.
  case keras(names: [String: String], paddings: [Padding])

  /// Stages, blocks and layers of the graph itself.
  ///
  /// - Parameters:
  ///   - names: the family's name of each node, by canonical name; others keep their canonical name.
  ///   - layout: the order of the axes in the shapes.
  case graph(names: [String: String], layout: Layout)

  /// A layer that only pads the input of another.
  package struct Padding: Hashable, Sendable {
    /// The family's name of the layer.
    package let name: String
    /// The canonical name of the node whose input it pads.
    package let node: String

    /// Names a padding layer.
    package init(name: String, node: String) {
      self.name = name
      self.node = node
    }
  }

  /// The order of the axes in the shapes that are shown.
  package enum Layout: String, Hashable, Sendable, Codable {
    /// Channels innermost.
    case nhwc
    /// Channels before the image.
    case nchw
  }
}

extension SummaryStyle {
  /// The order of the axes in the shapes that are shown.
  package var layout: Layout {
    switch self {
    case .pyTorch: .nchw
    case .keras: .nhwc
    case .graph(_, let layout): layout
    }
  }

  /// Whether the stored statistics of a norm count as parameters.
  var countsStatistics: Bool {
    switch self {
    case .keras: true
    case .pyTorch, .graph: false
    }
  }

  /// Whether the names of the layers are shown unless something else is asked for: where the tree
  /// does not nest, or is not the framework's own, they tell what a row is.
  var showsNames: Bool { self != .pyTorch }

  /// The whole network as one module.
  ///
  /// - Parameter listing: which modules are listed.
  func root(of graph: Graph, listing: SummaryListing) -> SummaryModule {
    switch self {
    case .pyTorch: PyTorchModules(graph, listing: listing).root
    case .keras(let names, let paddings): KerasLayers(graph, names: names, paddings: paddings).root
    case .graph(let names, _): GraphModules(graph, names: names).root
    }
  }

  /// The dimensions that the style shows for a value of [N, H, W, C] or [N, C].
  func dimensions(_ sizes: [Int], form: SummaryModule.OutputForm) -> [Int] {
    var sizes = sizes
    switch form {
    case .value: break
    case .image: if sizes.count == 2 { sizes = [sizes[0], 1, 1, sizes[1]] }
    case .padded(let padding):
      if sizes.count == 4 {
        (sizes[1], sizes[2]) = (sizes[1] + 2 * padding, sizes[2] + 2 * padding)
      }
    }
    guard layout == .nchw, sizes.count == 4 else { return sizes }
    return [sizes[0], sizes[3], sizes[1], sizes[2]]
  }
}

/// Which modules are listed.
enum SummaryListing {
  /// Every module once, in the order in which the network's author registered them.
  case modules
  /// Every call, in the order of a forward pass.
  case calls
}
