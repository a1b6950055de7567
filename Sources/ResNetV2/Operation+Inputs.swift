import Tensors

extension Operation {
  /// Whether the operation can read values of such shapes: their number, dimensions and channels.
  func takes(_ inputs: [Shape]) -> Bool {
    guard inputs.allSatisfy({ $0.elementCount > 0 }) else { return false }
    switch self {
    case .input:
      return true
    case .add:
      return inputs.count == 2
    case .adjust(let scale, let offset, _):
      guard inputs.count == 1, inputs[0].rank == 4 else { return false }
      return [scale, offset].allSatisfy { $0.isEmpty || $0.count == inputs[0][3] }
    case .convolution(let conv):
      return inputs.count == 1 && inputs[0].rank == 4 && inputs[0][3] == conv.inputChannels
    case .dense(let channels, _, _), .norm(_, let channels, _):
      return inputs.count == 1 && inputs[0].rank > 1 && inputs[0].dimensions.last == channels
    case .maxPool, .averagePool, .subsample, .padChannels, .globalAverage, .globalMaximum,
      .flatten:
      return inputs.count == 1 && inputs[0].rank == 4
    case .activation:
      return inputs.count == 1 && inputs[0].rank > 1
    }
  }
}
