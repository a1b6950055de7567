import Comparison
import Inference
import ResNetV2
import Tensors

/// A kernel or matrix, or some of its values, by least squares from what a layer reads and what it should
/// put out.
///
/// It follows only where there are more pixels than unknown weights of an output channel: near the input
/// of a network, or with many images.
struct SolvedWeight {
  private let window: Window
  private let outputChannels: Int

  /// More unknowns than this would take longer than anybody waits.
  private static let maximumUnknowns = 640

  /// Pixels beyond this many for each unknown add time and no certainty.
  private static let pixelsPerUnknown = 4

  /// Returns `nil` for an operation whose weights are not linear in its output.
  init?(_ operation: Operation) {
    guard let window = Window(operation) else { return nil }
    self.window = window
    switch operation {
    case .convolution(let conv): outputChannels = conv.outputChannels
    case .dense(_, let outputs, _): outputChannels = outputs
    default: return nil
    }
  }

  /// All values in the order OIHW; `nil` where they do not follow.
  func values(input: Activation, output: Activation, bias: [Double]) -> [Float]? {
    values(
      input: input, output: output, bias: bias, taps: Array(0..<window.count),
      outputs: 0..<outputChannels)
  }

  /// Some of the values, those of each output channel together; `nil` where they do not follow.
  ///
  /// - Parameters:
  ///   - output: what the unknown values are to give; the part of known ones is taken off.
  ///   - taps: which values of an output channel are unknown, in the order IHW.
  ///   - outputs: the output channels that lack them.
  func values(
    input: Activation, output: Activation, bias: [Double], taps: [Int], outputs: Range<Int>
  ) -> [Float]? {
    let unknowns = taps.count
    let pixels = output.values.count / outputChannels
    guard (1...Self.maximumUnknowns).contains(unknowns), pixels > unknowns else { return nil }
    var system = NormalEquations(unknowns: unknowns, rightSides: outputs.count)
    let step = max(pixels / (Self.pixelsPerUnknown * unknowns), 1)
    var row = [Double](repeating: 0, count: window.count)
    for pixel in stride(from: 0, to: pixels, by: step) {
      window.fill(&row, from: input, pixel: pixel, output: output.shape)
      let start = pixel * outputChannels
      system.add(
        taps.map { row[$0] }, outputs.map { Double(output.values[start + $0]) - bias[$0] })
    }
    return system.solved()?.map(Float.init)
  }
}

/// The values that one pixel of the output depends on.
struct Window {
  private let conv: Operation.Convolution

  /// Returns `nil` for an operation that is not linear in its weights.
  init?(_ operation: Operation) {
    switch operation {
    case .convolution(let conv) where conv.weightStandardizationEpsilon == nil:
      self.conv = conv
    case .dense(let inputs, let outputs, _):
      conv = .init(
        kernel: 1, stride: 1, padding: .each(0), inputChannels: inputs, outputChannels: outputs)
    default: return nil
    }
  }

  /// The number of values, in the order IHW.
  var count: Int { conv.inputChannels * conv.kernel * conv.kernel }

  /// Fills a row in the order IHW; what lies outside of the image is zero.
  func fill(_ row: inout [Double], from input: Activation, pixel: Int, output: Shape) {
    let isImage = output.rank == 4
    let (height, width) = isImage ? (input.shape[1], input.shape[2]) : (1, 1)
    let (rows, columns) = isImage ? (output[1], output[2]) : (1, 1)
    let border = isImage ? conv.border(input: input.shape, output: output) : nil
    let image = pixel / (rows * columns)
    let top = pixel / columns % rows * conv.stride - (border?.top ?? 0)
    let left = pixel % columns * conv.stride - (border?.left ?? 0)
    let (kernel, channels) = (conv.kernel, conv.inputChannels)
    for y in 0..<kernel {
      for x in 0..<kernel {
        let (inputY, inputX) = (top + y * conv.dilation, left + x * conv.dilation)
        let isInside = 0..<height ~= inputY && 0..<width ~= inputX
        let start = ((image * height + inputY) * width + inputX) * channels
        for channel in 0..<channels {
          row[(channel * kernel + y) * kernel + x] =
            isInside ? Double(input.values[start + channel]) : 0
        }
      }
    }
  }
}

/// AᵀA·X = AᵀB, collected row by row and solved by Cholesky's method.
private struct NormalEquations {
  private let unknowns: Int
  private let rightSides: Int
  private var matrix: [Double]
  private var right: [Double]

  init(unknowns: Int, rightSides: Int) {
    self.unknowns = unknowns
    self.rightSides = rightSides
    matrix = Array(repeating: 0, count: unknowns * unknowns)
    right = Array(repeating: 0, count: unknowns * rightSides)
  }

  mutating func add(_ row: [Double], _ values: [Double]) {
    for (i, a) in row.enumerated() where a != 0 {
      for j in 0...i { matrix[i * unknowns + j] += a * row[j] }
      for (k, value) in values.enumerated() { right[i * rightSides + k] += a * value }
    }
  }

  /// Xᵀ, row by row; `nil` where the rows do not determine it.
  consuming func solved() -> [Double]? {
    let largest = (0..<unknowns).map { matrix[$0 * unknowns + $0] }.max() ?? 0
    for i in 0..<unknowns {
      for j in 0...i {
        var sum = matrix[i * unknowns + j]
        for k in 0..<j { sum -= matrix[i * unknowns + k] * matrix[j * unknowns + k] }
        if i == j {
          // Half of float64's digits must be left, or rounding has written the result.
          guard sum > 1e-9 * largest else { return nil }
          matrix[i * unknowns + i] = sum.squareRoot()
        } else {
          matrix[i * unknowns + j] = sum / matrix[j * unknowns + j]
        }
      }
    }
    var result = [Double](repeating: 0, count: unknowns * rightSides)
    for side in 0..<rightSides {
      var x = (0..<unknowns).map { right[$0 * rightSides + side] }
      for i in 0..<unknowns {
        for k in 0..<i { x[i] -= matrix[i * unknowns + k] * x[k] }
        x[i] /= matrix[i * unknowns + i]
      }
      for i in (0..<unknowns).reversed() {
        for k in (i + 1)..<max(unknowns, i + 1) { x[i] -= matrix[k * unknowns + i] * x[k] }
        x[i] /= matrix[i * unknowns + i]
      }
      result.replaceSubrange(side * unknowns..<(side + 1) * unknowns, with: x)
    }
    return result.allSatisfy(\.isFinite) ? result : nil
  }
}
