import Inference
import Tensors

/// How far the output of a rounded network is from the network's own, image by image.
struct OutputDifference {
  /// The scaled error of every image: max |a − b| / max |b|; infinite where a value is not finite.
  let errors: [Double]

  /// The sampled values a − b of every image.
  let sampledChanges: [[Float]]

  /// How many values of a feature map are sampled; of the classes, all are.
  private static let maximumSampled = 4096

  /// Compares a batch.
  ///
  /// - Precondition: both have the same shape.
  init(_ candidate: Activation, _ reference: Activation) {
    precondition(candidate.shape == reference.shape)
    let perImage = reference.shape.elementCount / max(reference.shape[0], 1)
    let isClassifier = reference.shape.rank == 2
    let step = isClassifier ? 1 : max(perImage / Self.maximumSampled, 1)
    var errors: [Double] = []
    var changes: [[Float]] = []
    for start in stride(from: 0, to: reference.values.count, by: perImage) {
      let (a, b) = (
        candidate.values[start..<start + perImage], reference.values[start..<start + perImage]
      )
      errors.append(ScaledError(of: a, from: b).value)
      changes.append(
        stride(from: start, to: start + perImage, by: step).map {
          candidate.values[$0] - reference.values[$0]
        })
    }
    (self.errors, sampledChanges) = (errors, changes)
  }

  /// The largest error of any image.
  var largestError: Double { errors.max() ?? 0 }
}

/// The sampled output of one image with the network's own weights, and what must stay true of it.
struct ImageOutput {
  /// The values that every candidate's changes are added to.
  let values: [Float]
  /// The largest magnitude of all.
  let scale: Float
  /// The first classes, most likely first; empty where the output has none.
  let classes: [Int]
  /// By how much the first class leads, and by how much the list does.
  private let gaps: (first: Float, list: Float)

  /// The number of classes that must stay the same ones.
  private static let listLength = 5

  /// Takes an image's output; of a feature map any sample.
  init(values: [Float], scale: Float, isClassifier: Bool) {
    self.values = values
    self.scale = scale > 0 ? scale : 1
    let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
    classes = isClassifier ? Array(order.prefix(Self.listLength)) : []
    gaps = Self.gaps(values, classes)
  }

  /// Whether the first class and the list would be the same with changed values, by a margin.
  ///
  /// - Parameter margin: in units of the largest magnitude; where the own lead is smaller than twice
  ///   that, half of the lead.
  func keepsClasses(_ changed: [Float], margin: Double) -> Bool {
    guard !classes.isEmpty else { return true }
    let margin = Float(margin) * scale
    let now = Self.gaps(changed, classes)
    return now.first > min(margin, gaps.first / 2) && now.list > min(margin, gaps.list / 2)
  }

  /// By how much the first class is ahead of all others, and the whole list of all that are not in
  /// it; infinite where there are no others, negative where they are ahead.
  private static func gaps(_ values: [Float], _ classes: [Int]) -> (first: Float, list: Float) {
    guard let first = classes.first else { return (.infinity, .infinity) }
    let inList = classes.map { values[$0] }
    var outside = -Float.infinity
    for (index, value) in values.enumerated() where !classes.contains(index) {
      outside = max(outside, value)
    }
    let others = max(inList.dropFirst().max() ?? -.infinity, outside)
    return (values[first] - others, (inList.min() ?? 0) - outside)
  }
}
