extension Configuration {
  /// The network that shrinks an image no more than so many times in all: from there on a stage has no stride, and the
  /// taps of all later 3×3 convolutions are as much further apart (DeepLab; TF-Slim's `output_stride`).
  ///
  /// The block that would have had the stride is computed with the taps of its own stage. So a stage has one dilation
  /// only where the last block of a stage has the stride.
  func shrinking(by text: String) throws(ConfigurationError) -> Configuration {
    guard let target = Int(text), (1...1 << 20).contains(target) else {
      throw ConfigurationError("outputStride cannot be \(text)")
    }
    guard block.stridedBlock == .last else {
      throw ConfigurationError(
        "outputStride is for networks with the stride in the last block of a stage; "
          + "stages[1].stride and stages[1].dilation tell those of another one")
    }
    try validate()
    var result = self
    // A stage has a stride of at most 8, and there are at most 16; a stem has nine windows at most.
    var (current, dilation) = (1, 1)
    func multiply(_ factor: Int) { current = min(current * factor, 1 << 21) }
    for convolution in stem.convolutions { multiply(convolution.stride) }
    multiply(stem.pool?.stride ?? 1)
    for index in stages.indices {
      result.stages[index].dilation = dilation
      if current == target {
        dilation *= stages[index].stride
        result.stages[index].stride = 1
      } else {
        multiply(stages[index].stride)
      }
    }
    guard current == target else {
      throw ConfigurationError(
        "outputStride cannot be \(target): no stage of the network ends there")
    }
    return result
  }
}
