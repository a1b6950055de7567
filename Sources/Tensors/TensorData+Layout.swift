extension TensorData {
  /// The tensor as float32 with its axes reversed in the way convolution kernels and dense matrices
  /// need between frameworks: [H, W, I, O] becomes [O, I, H, W], and [I, O] becomes [O, I].
  ///
  /// - Precondition: the tensor has four or two dimensions.
  package func outputChannelsFirst() -> TensorData {
    precondition(shape.rank == 4 || shape.rank == 2)
    let window = shape.rank == 4 ? [shape[0], shape[1]] : []
    let inputs = shape[shape.rank - 2]
    let outputs = shape[shape.rank - 1]
    let result = Shape([outputs, inputs] + window)
    return withFloats { source in
      TensorData(shape: result) { target in
        transpose(
          source, to: target, window: window.reduce(1, *), inputs: inputs, outputs: outputs,
          toOutputsFirst: true)
      }
    }
  }

  /// The way back: [O, I, H, W] becomes [H, W, I, O], and [O, I] becomes [I, O].
  ///
  /// - Precondition: the tensor has four or two dimensions.
  package func outputChannelsLast() -> TensorData {
    precondition(shape.rank == 4 || shape.rank == 2)
    let window = Array(shape.dimensions.dropFirst(2))
    let result = Shape(window + [shape[1], shape[0]])
    return withFloats { source in
      TensorData(shape: result) { target in
        transpose(
          source, to: target, window: window.reduce(1, *), inputs: shape[1], outputs: shape[0],
          toOutputsFirst: false)
      }
    }
  }
}

/// Copies between [window, inputs, outputs] and [outputs, inputs, window].
///
/// Works on tiles, so that both sides stay within the cache and the many rows that are touched at
/// once do not evict each other.
private func transpose(
  _ source: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>,
  window: Int, inputs: Int, outputs: Int, toOutputsFirst: Bool
) {
  guard let from = source.baseAddress, let to = target.baseAddress else { return }
  let tile = 16
  for firstInput in stride(from: 0, to: inputs, by: tile) {
    let inputRange = firstInput..<min(firstInput + tile, inputs)
    for firstOutput in stride(from: 0, to: outputs, by: tile) {
      let outputRange = firstOutput..<min(firstOutput + tile, outputs)
      for position in 0..<window {
        for output in outputRange {
          let outputsFirst = output * inputs * window + position
          let outputsLast = position * inputs * outputs + output
          if toOutputsFirst {
            for input in inputRange {
              to[outputsFirst + input * window] = from[outputsLast + input * outputs]
            }
          } else {
            for input in inputRange {
              to[outputsLast + input * outputs] = from[outputsFirst + input * window]
            }
          }
        }
      }
    }
  }
}
