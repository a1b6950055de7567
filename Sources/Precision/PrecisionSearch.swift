import Comparison
package import Families
package import Inference
package import RNW
package import ResNetV2
package import Tensors

/// What `--precision auto` chose, and what it rests on.
package struct PrecisionChoice: Sendable {
  /// The type of one tensor.
  package struct Tensor: Sendable {
    /// The canonical name.
    package let name: String
    /// What the family calls the layer; `nil` where it has no such layer.
    package let familyName: String?
    /// The type that was chosen.
    package let dtype: DType
    /// The bytes in the file.
    package let bytes: Int
    /// The bytes that the tensor would take as float32.
    package let float32Bytes: Int
    /// The scaled error of the output with this tensor alone rounded.
    package let error: Double
  }

  /// All tensors as they are to be written.
  package let parameters: Parameters
  /// The tensors that may be rounded, in the order of the network.
  package let tensors: [Tensor]
  /// The scaled error that the output may have on any input.
  package let maximumError: Double
  /// What was aimed for on the images at hand, so that others stay within the limit.
  package let aim: Double
  /// The largest scaled error of the output on an image, with all tensors rounded.
  package let outputError: Double
  /// How many images the whole was run on.
  package let images: Int
  /// How many of them every tensor was measured on.
  package let measuredImages: Int
  /// How many networks were run to find the choice: single tensors, and wholes.
  package let runs: (single: Int, whole: Int)
}

/// Finds the smallest file whose outputs stay within a limit.
package struct PrecisionSearch {
  /// The images that are run at once, and that every tensor is measured on to begin with.
  private static let batch = 2
  /// The batches whose means are kept.
  private static let meanBatches = 4
  /// The share of the limit that is used: images that nobody has seen differ from those at hand.
  private static let usedShare = 0.6
  /// How many whole networks are tried at most before weights are left as they are.
  private static let maximumTries = 24
  /// How often images on which the classes changed are measured as well.
  private static let maximumMeasurements = 3

  private let original: Parameters
  private let layerNames: LayerNames
  private let keepsClasses: Bool
  private let maximumError: Double
  private let codec: RNWCodec
  private let pool: WorkerPool
  private let whole: Graph
  private let graph: Graph
  private let executor: FastExecutor
  private let inputs: [Activation]
  private let outputs: [Activation]

  /// Runs the network with its own weights.
  ///
  /// - Parameter keepsClasses: whether the first classes of the images may not change.
  /// - Throws: `InputShapeError` where the input does not fit.
  package init(
    _ whole: Graph, original: Parameters, layerNames: LayerNames, input: Activation,
    keepsClasses: Bool, maximumError: Double, codec: RNWCodec, pool: WorkerPool
  ) throws {
    (self.whole, self.original, self.layerNames) = (whole, original, layerNames)
    (self.keepsClasses, self.maximumError) = (keepsClasses, maximumError)
    (self.codec, self.pool) = (codec, pool)
    // The output is judged before a softmax, which would multiply differences by the size of logits.
    var configuration = whole.configuration
    if configuration.head.lastActivation == .softmax { configuration.head.layers.removeLast() }
    graph = try Graph(configuration)
    inputs = input.batches(of: Self.batch)
    executor = Self.executor(graph, original, inputs[0].shape, pool: pool)
    outputs = try inputs.map { [executor] in try executor.run($0, observer: nil) }
  }

  /// An executor for the search: with the kernels that every processor can run.
  ///
  /// Those for newer ones add products in one rounding. Their last bits differ, a choice can hang by
  /// one of them, and the same source shall give the same file everywhere.
  private static func executor(
    _ graph: Graph, _ parameters: Parameters, _ shape: Shape, pool: WorkerPool
  ) -> FastExecutor {
    FastExecutor(
      graph: graph, parameters: parameters, pool: pool,
      methods: .fastest(expecting: shape), instructionSet: .baseline)
  }

  /// Measures every tensor, chooses, runs the whole, and backs off until it holds.
  package func run(progress: (_ done: Int, _ total: Int) -> Void) throws -> PrecisionChoice {
    var sensitivities = try Sensitivities(
      executor, original, means: try inputMeans(), codec: codec, threads: pool.threadCount)
    try sensitivities.measure(inputs[0], progress: progress)
    try sensitivities.measure([Sensitivities.types[0]], progress: progress)
    var images = outputs[0].images
    let aim = maximumError * Self.usedShare
    func plan(_ sensitivities: Sensitivities, _ budget: Double) -> [Int] {
      AssignmentPlanner(sensitivities.tensors, images: images)
        .assignment(budget: budget, keepsClasses: keepsClasses)
    }
    // Where all can be of the coarsest type, nothing else needs to be known.
    if plan(sensitivities, aim).contains(0) {
      try sensitivities.measure(Array(Sensitivities.types.dropFirst()), progress: progress)
    }

    var budget = aim
    var best = Attempt(
      chosen: [Int](repeating: 0, count: sensitivities.tensors.count), error: 0, changed: [])
    var runs = 0
    var hasPassed = false
    while runs < Self.maximumTries {
      let chosen = plan(sensitivities, budget)
      guard chosen != best.chosen else { break }
      let attempt = try judge(chosen, of: sensitivities.tensors)
      runs += 1
      if attempt.error <= aim, attempt.changed.isEmpty {
        best = attempt
        // What the sum of single errors promised was not used up: once more, with more.
        guard !hasPassed, attempt.error < 0.95 * aim else { break }
        hasPassed = true
        budget *= 0.98 * aim / max(attempt.error, 0.5 * aim)
      } else if hasPassed {
        break
      } else if attempt.error > aim {
        budget *= min(0.98 * aim / attempt.error, 0.95)
      } else if sensitivities.images <= Self.batch * Self.maximumMeasurements {
        // What changes the classes there is worth knowing.
        let next = attempt.changed.prefix(Self.batch)
        try sensitivities.measure(Activation(joining: next.map(\.input)), progress: progress)
        images += next.flatMap(\.output.images)
      } else {
        budget *= 0.7
      }
    }
    return try choice(best, of: sensitivities, aim: aim, runs: runs)
  }

  /// One choice, and what came of running it.
  private struct Attempt {
    /// The index of each tensor's candidate.
    let chosen: [Int]
    /// The largest scaled error of the output over all images.
    let error: Double
    /// The images whose first classes are others than before.
    let changed: [(input: Activation, output: Activation)]
  }

  private func judge(_ chosen: [Int], of tensors: [TensorCandidates]) throws -> Attempt {
    let candidate = Self.executor(
      graph, try parameters(chosen, of: tensors), inputs[0].shape, pool: pool)
    var error = 0.0
    var changed: [(input: Activation, output: Activation)] = []
    for (input, own) in zip(inputs, outputs) {
      let output = try candidate.run(input, observer: nil)
      error = max(error, OutputDifference(output, own).largestError)
      guard keepsClasses else { continue }
      for image in 0..<input.shape[0] {
        var agreement = OutputAgreement()
        agreement.add(candidate: output.image(image), reference: own.image(image))
        if agreement.sameFirst < agreement.images || agreement.sameList < agreement.images {
          changed.append((input.image(image), own.image(image)))
        }
      }
    }
    return Attempt(chosen: chosen, error: error, changed: changed)
  }

  /// What the weights of every node are multiplied with on average, over some of the images.
  private func inputMeans() throws -> [Int: InputMeans] {
    var means: [Int: InputMeans] = [:]
    let lastUses = graph.lastUses
    for input in inputs.prefix(Self.meanBatches) {
      var values: [Int: Activation] = [:]
      _ = try executor.run(input) { index, value in
        let node = graph.nodes[index]
        if let read = node.inputs.first.flatMap({ values[$0] }) {
          let next = InputMeans(node.operation, input: read, output: value.shape)
          means[index] =
            means[index].flatMap { known in next.map { known.merged(with: $0) } } ?? next
        }
        values[index] = value
        for used in node.inputs where lastUses[used] <= index { values[used] = nil }
      }
    }
    return means
  }

  private func parameters(
    _ chosen: [Int], of tensors: [TensorCandidates]
  ) throws -> Parameters {
    // What may not be rounded is float32, whatever the source has.
    let wide = try original.rounded(
      to: ParameterTypes(.float32), in: whole, threads: pool.threadCount)
    return zip(chosen, tensors).reduce(wide) { parameters, choice in
      parameters.replacing(choice.1.parameter, with: choice.1.all[choice.0].tensor)
    }
  }

  private func choice(
    _ attempt: Attempt, of sensitivities: Sensitivities, aim: Double, runs: Int
  ) throws -> PrecisionChoice {
    PrecisionChoice(
      parameters: try parameters(attempt.chosen, of: sensitivities.tensors),
      tensors: zip(attempt.chosen, sensitivities.tensors).map { index, tensor in
        let candidate = tensor.all[index]
        return PrecisionChoice.Tensor(
          name: tensor.parameter.name,
          familyName: layerNames.name(of: tensor.parameter.node),
          dtype: candidate.tensor.dtype, bytes: candidate.bytes,
          float32Bytes: tensor.all[0].bytes, error: candidate.error)
      },
      maximumError: maximumError, aim: aim, outputError: attempt.error,
      images: inputs.reduce(0) { $0 + $1.shape[0] },
      measuredImages: sensitivities.images, runs: (sensitivities.runs, runs))
  }
}

extension Activation {
  /// The images in batches of at most so many.
  fileprivate func batches(of size: Int) -> [Activation] {
    let perImage = values.count / max(shape[0], 1)
    return stride(from: 0, to: shape[0], by: size).map { start in
      let images = min(size, shape[0] - start)
      return Activation(
        shape: Shape([images] + shape.dimensions.dropFirst()),
        values: Array(values[start * perImage..<(start + images) * perImage]))
    }
  }

  /// One image of a batch, as a batch.
  fileprivate func image(_ index: Int) -> Activation {
    let perImage = values.count / max(shape[0], 1)
    return Activation(
      shape: Shape([1] + shape.dimensions.dropFirst()),
      values: Array(values[index * perImage..<(index + 1) * perImage]))
  }

  /// One batch of several of equal images.
  package init(joining batches: [Activation]) {
    let images = batches.reduce(0) { $0 + $1.shape[0] }
    self.init(
      shape: Shape([images] + batches[0].shape.dimensions.dropFirst()),
      values: batches.flatMap(\.values))
  }

  /// The network's own output, image by image.
  fileprivate var images: [ImageOutput] {
    let perImage = values.count / max(shape[0], 1)
    let zeros = Activation(shape: shape, values: [Float](repeating: 0, count: values.count))
    return zip(OutputDifference(self, zeros).sampledChanges, 0..<shape[0]).map { sample, image in
      let all = values[image * perImage..<(image + 1) * perImage]
      return ImageOutput(
        values: sample, scale: all.reduce(0) { max($0, abs($1)) }, isClassifier: shape.rank == 2)
    }
  }
}
