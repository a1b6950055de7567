package import Inference
import Tensors

/// Whether two networks name the same classes, over any number of images.
///
/// The order of the classes is that of the outputs, so it does not matter whether they are logits
/// or probabilities.
package struct OutputAgreement: Hashable, Sendable {
  /// The number of images.
  package private(set) var images = 0

  /// How many classes the longer list has: 5, or all of them where there are fewer.
  package private(set) var listLength = 0

  /// The images whose first class is the same.
  package private(set) var sameFirst = 0

  /// The images whose first ``listLength`` classes are the same ones, in any order.
  package private(set) var sameList = 0

  /// The first few images on which the networks disagree.
  package private(set) var disagreements: [Disagreement] = []

  /// An image on which the networks disagree.
  package struct Disagreement: Hashable, Sendable {
    /// The number of the image, from 0.
    package let image: Int
    /// The candidate's first classes, most likely first.
    package let candidate: [Int]
    /// The reference's first classes, most likely first.
    package let reference: [Int]

    /// Describes an image.
    package init(image: Int, candidate: [Int], reference: [Int]) {
      (self.image, self.candidate, self.reference) = (image, candidate, reference)
    }
  }

  /// How many disagreements are kept with their classes.
  private static let maximumDisagreements = 10

  /// Agreement over no images.
  package init() {}

  /// An agreement that was found before.
  package init(
    images: Int, listLength: Int, sameFirst: Int, sameList: Int, disagreements: [Disagreement]
  ) {
    (self.images, self.listLength) = (images, listLength)
    (self.sameFirst, self.sameList) = (sameFirst, sameList)
    self.disagreements = disagreements
  }

  /// Compares the outputs [N, classes] of a batch.
  ///
  /// - Precondition: both have the same shape.
  package mutating func add(candidate: Activation, reference: Activation) {
    precondition(candidate.shape == reference.shape)
    guard candidate.shape.rank == 2, candidate.shape[1] > 0 else { return }
    let classes = candidate.shape[1]
    for image in 0..<candidate.shape[0] {
      let range = image * classes..<(image + 1) * classes
      add(
        candidate: firstClasses(of: candidate.values[range]),
        reference: firstClasses(of: reference.values[range]))
    }
  }

  /// Whether every image has the same first class.
  package var agreesOnFirst: Bool { sameFirst == images }

  private mutating func add(candidate: [Int], reference: [Int]) {
    listLength = reference.count
    let agreesOnFirst = candidate.first == reference.first
    let agreesOnList = Set(candidate) == Set(reference)
    if agreesOnFirst { sameFirst += 1 }
    if agreesOnList { sameList += 1 }
    if !(agreesOnFirst && agreesOnList), disagreements.count < Self.maximumDisagreements {
      disagreements.append(
        Disagreement(image: images, candidate: candidate, reference: reference))
    }
    images += 1
  }
}

/// The five classes with the largest values, largest first; of equal ones the lower number, NaN
/// last.
private func firstClasses(of values: ArraySlice<Float>) -> [Int] {
  var result: [(index: Int, value: Float)] = []
  for (index, value) in values.enumerated() {
    let value = value.isNaN ? -Float.infinity : value
    if result.count == 5, let last = result.last, value <= last.value { continue }
    let position = result.firstIndex { $0.value < value } ?? result.count
    result.insert((index, value), at: position)
    if result.count > 5 { result.removeLast() }
  }
  return result.map(\.index)
}
