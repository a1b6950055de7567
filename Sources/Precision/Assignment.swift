/// Chooses a type for every tensor from what each does alone.
///
/// Rounding errors are small: what they do to the output adds up, value by value, almost exactly. So
/// a choice can be judged without running the network, and only the last ones are run.
struct AssignmentPlanner {
  private let tensors: [TensorCandidates]
  private let images: [ImageOutput]
  /// Every step of one tensor to its next candidate, the most bytes for the least error first.
  private let moves: [Move]

  private struct Move {
    let tensor: Int
    let candidate: Int
    /// What the step adds to the square of the error for each byte that it saves.
    let price: Double
  }

  /// Orders the steps.
  ///
  /// - Parameter images: the network's own output for the images that the tensors were measured on.
  init(_ tensors: [TensorCandidates], images: [ImageOutput]) {
    self.tensors = tensors
    self.images = images
    moves = tensors.enumerated().flatMap { index, tensor in
      let worthwhile = tensor.worthwhile
      return zip(worthwhile, worthwhile.dropFirst()).map { wider, narrower in
        Move(tensor: index, candidate: narrower, price: tensor.price(wider, narrower))
      }
    }.sorted { ($0.price, $0.tensor, $0.candidate) < ($1.price, $1.tensor, $1.candidate) }
  }

  /// The index of every tensor's candidate, such that the expected error stays within a budget and
  /// the classes stay what they are.
  ///
  /// Goes through the steps in their order and takes each that fits; of a tensor whose step does not
  /// fit no later one is taken.
  func assignment(budget: Double, keepsClasses: Bool) -> [Int] {
    var chosen = [Int](repeating: 0, count: tensors.count)
    var isClosed = [Bool](repeating: false, count: tensors.count)
    var outputs = images.map(\.values)
    for move in moves where !isClosed[move.tensor] {
      let candidates = tensors[move.tensor].all
      let next = outputs.indices.map { image in
        outputs[image].changed(
          by: candidates[move.candidate].changes[image],
          insteadOf: candidates[chosen[move.tensor]].changes.isEmpty
            ? nil : candidates[chosen[move.tensor]].changes[image])
      }
      if fits(next, budget: budget, keepsClasses: keepsClasses) {
        outputs = next
        chosen[move.tensor] = move.candidate
      } else {
        isClosed[move.tensor] = true
      }
    }
    return chosen
  }

  private func fits(_ outputs: [[Float]], budget: Double, keepsClasses: Bool) -> Bool {
    zip(images, outputs).allSatisfy { image, values in
      let limit = Float(budget) * image.scale
      let isWithin = zip(values, image.values).allSatisfy { abs($0 - $1) <= limit }
      return isWithin && (!keepsClasses || image.keepsClasses(values, margin: budget / 20))
    }
  }
}

extension [Float] {
  fileprivate func changed(by new: [Float], insteadOf old: [Float]?) -> [Float] {
    guard let old else { return zip(self, new).map { $0 + $1 } }
    return indices.map { self[$0] + (new[$0] - old[$0]) }
  }
}
