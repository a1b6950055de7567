import KernelSet
package import ResNetV2
package import Tensors

/// How a convolution is computed.
package enum ConvolutionMethod: Hashable, Sendable {
  /// As it is written: a sum over taps and input channels.
  case direct
  /// Winograd's F(outputs × outputs, 3×3): fewer products, for sums before and after them.
  case winograd(outputs: Int)
  /// Strassen's seven products of halves instead of eight.
  case strassen

  /// The methods that can compute a convolution.
  package static func possible(
    _ conv: Operation.Convolution, lanes: Int
  ) -> [ConvolutionMethod] {
    if conv.kernel == 3, conv.stride == 1, conv.dilation == 1 {
      return [.direct, .winograd(outputs: 2), .winograd(outputs: 4)]
    }
    let halvesAreWhole =
      conv.inputChannels.isMultiple(of: 2 * lanes) && conv.outputChannels.isMultiple(of: 2 * lanes)
    return conv.isPlainProduct && halvesAreWhole ? [.direct, .strassen] : [.direct]
  }

  /// The method that is expected to be fastest for a shape of input.
  ///
  /// A convolution of a stride, or of taps that are apart, is always direct.
  package static func fastest(
    _ conv: Operation.Convolution, input: Shape, lanes: Int
  ) -> ConvolutionMethod {
    let costs = possible(conv, lanes: lanes).map { ($0, $0.cost(conv, input: input, lanes: lanes)) }
    return costs.min { $0.1 < $1.1 }?.0 ?? .direct
  }

  /// What a method is expected to cost, in multiply-adds of a thread that does nothing else.
  ///
  /// Three things are counted: the products; the bytes of weights, which come from memory once for
  /// each pass over the network, at the same time as the products are formed; and the transforms,
  /// which are mostly loads and stores.
  package func cost(_ conv: Operation.Convolution, input: Shape, lanes: Int) -> Double {
    let wholeVectors = { (channels: Int) in (channels + lanes - 1) / lanes * lanes }
    let (inputs, outputs) = (conv.inputChannels, wholeVectors(conv.outputChannels))
    let output = Operation.convolution(conv).outputShape([input], networkInput: input)
    let (height, width) = (output?[1] ?? 1, output?[2] ?? 1)
    switch self {
    case .direct:
      let taps = conv.kernel * conv.kernel
      let products = input[0] * height * width * taps * inputs * outputs
      return max(Double(products), Double(taps * inputs * outputs * 4) * Self.costPerByte)
    case .winograd(let side):
      let positions = (side + 2) * (side + 2)
      let squares = input[0] * ((height + side - 1) / side) * ((width + side - 1) / side)
      let products = squares * positions * inputs * outputs
      let weightBytes = positions * inputs * outputs * 4
      let transformed = squares * positions * (wholeVectors(inputs) + outputs)
      return max(Double(products), Double(weightBytes) * Self.costPerByte)
        + Double(transformed) * Self.costPerTransformedValue
    case .strassen:
      // The input is added up in four ways; sums of half the outputs are read or written eleven times.
      let pairs = input[0] * ((height * width + 1) / 2)
      let products = pairs * Self.strassenProducts * inputs / 2 * outputs / 2
      let weightBytes = Self.strassenProducts * inputs * outputs
      let moved = pairs * (4 * inputs / 2 + 11 * outputs / 2)
      return max(Double(products), Double(weightBytes) * Self.costPerByte)
        + Double(moved) * Self.costPerMovedValue
    }
  }

  static let strassenProducts = 7

  /// Multiply-adds in the time of a byte from memory: measured at 39 GB/s for 235 GFLOP/s.
  private static let costPerByte = 3.0

  /// Multiply-adds in the time of one value's share of a transform: measured as a third of a cycle.
  private static let costPerTransformedValue = 5.5

  /// Multiply-adds in the time in which a value is moved, most often within the first-level cache.
  private static let costPerMovedValue = 5.0
}

extension Operation.Convolution {
  /// Whether it multiplies every pixel by the same matrix, and nothing else.
  var isPlainProduct: Bool { kernel == 1 && stride == 1 && padding == .each(0) }
}

extension ConvolutionMethod {
  /// How the methods of a network's convolutions are chosen.
  package enum Rule: Hashable, Sendable {
    /// Each is the fastest for an input of this shape [N, H, W, C]; one usual image if `nil`.
    case fastest(expecting: Shape?)
    /// All are direct.
    case direct
    /// All that can be are computed by this method, the others directly.
    case all(ConvolutionMethod)

    /// The height and width of the images that most networks are trained on.
    private static let usualSize = 224

    /// The most elements of a value that is expected: more have no memory, and costs would overflow.
    private static let largestExpected = 1 << 31

    /// The method of each convolution that is not direct, by node.
    func methods(_ graph: Graph, kernels: any KernelSet.Type) -> [Int: ConvolutionMethod] {
      guard self != .direct else { return [:] }
      var input = graph.usualInput(side: Self.usualSize)
      if case .fastest(let expected?) = self { input = expected }
      guard let input, let shapes = try? graph.shapes(for: input),
        shapes.allSatisfy({ $0.elementCount <= Self.largestExpected })
      else { return [:] }
      let lanes = kernels.wholeVectors(1)
      var methods: [Int: ConvolutionMethod] = [:]
      for (index, node) in graph.nodes.enumerated() {
        guard case .convolution(let conv) = node.operation else { continue }
        if case .all(let method) = self {
          if ConvolutionMethod.possible(conv, lanes: lanes).contains(method) {
            methods[index] = method
          }
        } else {
          methods[index] = .fastest(conv, input: shapes[node.inputs[0]], lanes: lanes)
        }
      }
      return methods
    }
  }
}
