import Inference
import RNW
import ResNetV2
import Tensors
import Threads

/// A tensor in one type: what that costs and saves.
struct Candidate: Sendable {
  /// The tensor in the type.
  let tensor: TensorData
  /// The bytes in the file.
  let bytes: Int
  /// The largest scaled error of the output over the images that were measured, with this tensor
  /// alone rounded.
  var error = 0.0
  /// What that changes in the output: for every image, for every sampled value; nothing for the
  /// tensor as it is.
  var changes: [[Float]] = []

  /// Notes what a batch of images shows.
  mutating func add(_ difference: OutputDifference) {
    error = max(error, difference.largestError)
    changes += difference.sampledChanges
  }
}

/// A tensor and the types that it may be kept in; the first is float32.
struct TensorCandidates: Sendable {
  /// The node that uses the tensor.
  let node: Int
  /// The tensor.
  let parameter: Parameter
  /// The types.
  var all: [Candidate]

  /// The indices of the candidates that are worth taking, widest first.
  ///
  /// Those on the lower convex hull of error² over bytes: in place of any other, a mixture of these in
  /// several tensors is better. Errors of different tensors add like independent ones, so their
  /// squares do.
  var worthwhile: [Int] {
    var hull: [Int] = []
    let measured = all.indices.filter { $0 == 0 || !all[$0].changes.isEmpty }
    let order = measured.sorted { first, second in
      (all[second].bytes, all[first].error, first) < (all[first].bytes, all[second].error, second)
    }
    for index in order {
      let candidate = all[index]
      if let last = hull.last, all[last].bytes == candidate.bytes { continue }
      // A smaller one that is no worse makes the larger needless; float32 is kept in any case.
      while let last = hull.last, last != 0, all[last].error >= candidate.error {
        hull.removeLast()
      }
      guard candidate.bytes < all[0].bytes || index == 0 else { continue }
      while hull.count >= 2,
        price(hull[hull.count - 2], hull[hull.count - 1])
          >= price(hull[hull.count - 1], index)
      {
        hull.removeLast()
      }
      hull.append(index)
    }
    return hull
  }

  /// What the square of the error grows by for each byte that a narrower candidate saves.
  func price(_ wider: Int, _ narrower: Int) -> Double {
    let (wider, narrower) = (all[wider], all[narrower])
    let added = narrower.error * narrower.error - wider.error * wider.error
    return added / Double(max(wider.bytes - narrower.bytes, 1))
  }
}

/// Every tensor of a network that may be rounded, in every type, and what each does to the output.
struct Sensitivities: Sendable {
  /// The types that are tried, coarsest first.
  static let types: [DType] = [.int8, .bfloat16, .float16]

  /// The tensors, in the order of the graph.
  private(set) var tensors: [TensorCandidates]

  /// How many times a network with one tensor rounded was run.
  private(set) var runs = 0

  private let original: Parameters
  private let executor: FastExecutor
  private var batches: [Activation] = []
  private var types: [DType] = []

  /// Rounds every tensor to every type that can hold it.
  ///
  /// - Parameters:
  ///   - executor: the network with its own parameters.
  ///   - means: what the weights of a node are multiplied with on average.
  init(
    _ executor: FastExecutor, _ original: Parameters, means: [Int: InputMeans], codec: RNWCodec,
    threads: Int
  ) throws {
    (self.executor, self.original) = (executor, original)
    let parameters = executor.graph.nodes.enumerated().flatMap { node, value in
      value.parameters.filter(\.isRoundable).map { (node, $0) }
    }
    let pairs = parameters.flatMap { node, parameter in
      ([.float32] + Self.types).map { (node, parameter, $0) }
    }
    let candidates = try concurrentMap(pairs, threads: threads) { node, parameter, type in
      let tensor = try? original[parameter].rounded(to: type, keeping: means[node])
      return try tensor.map { Candidate(tensor: $0, bytes: try codec.byteCount(of: $0)) }
    }
    let perTensor = Self.types.count + 1
    tensors = parameters.enumerated().map { index, parameter in
      let own = candidates[index * perTensor..<(index + 1) * perTensor]
      return TensorCandidates(
        node: parameter.0, parameter: parameter.1, all: own.compactMap { $0 })
    }
  }

  /// The images that were measured.
  var images: Int { batches.reduce(0) { $0 + $1.shape[0] } }

  /// Measures more types on the images so far.
  mutating func measure(
    _ types: [DType], progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    for batch in batches { try measure(batch, types, progress: progress) }
    self.types += types
  }

  /// Measures the types so far on more images.
  mutating func measure(
    _ batch: Activation, progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    try measure(batch, types, progress: progress)
    batches.append(batch)
  }

  /// Runs a batch of images with each tensor alone in each type.
  private mutating func measure(
    _ input: Activation, _ types: [DType], progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    let places = tensors.indices.flatMap { tensor in
      tensors[tensor].all.indices.dropFirst().filter {
        types.contains(tensors[tensor].all[$0].tensor.dtype)
      }.map { (tensor, $0) }
    }
    let variants = places.map { tensor, candidate in
      FastExecutor.Variant(
        node: tensors[tensor].node,
        parameters: original.replacing(
          tensors[tensor].parameter, with: tensors[tensor].all[candidate].tensor))
    }
    // The network's own output comes last, and only the differences are kept.
    let own = try executor.run(input, observer: nil)
    var done = 0
    _ = try executor.run(input, variants: variants) { index, output in
      let (tensor, candidate) = places[index]
      tensors[tensor].all[candidate].add(OutputDifference(output, own))
      done += 1
      progress(done, places.count)
    }
    runs += done
  }
}
