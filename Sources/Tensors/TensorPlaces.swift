package import Files

/// A source that knows where in a file the elements of its tensors lie.
package protocol TensorPlaces: WeightSource {
  /// The bytes that a tensor is read from; `nil` where they are in no file, or not known.
  func place(ofTensor name: String) -> (file: MappedFile, range: Range<Int>)?
}

extension WeightSource {
  /// Lets go of all memory of the opened files but for that of some tensors, as far as their places are known: the slots
  /// of an optimizer may be twice the weights.
  ///
  /// What is asked for later all the same is read from the file again.
  package func releaseAll(but names: some Sequence<String>) {
    guard
      let places = (self as? any TensorPlaces).map({ source in
        names.compactMap { source.place(ofTensor: $0) }
      })
    else { return }
    for source in files {
      var end = 0
      let kept = places.filter { $0.file === source.file }.map(\.range)
      for range in kept.sorted(by: { $0.lowerBound < $1.lowerBound }) {
        if end < range.lowerBound { source.file.release(end..<range.lowerBound) }
        end = max(end, range.upperBound)
      }
      if end < source.file.count { source.file.release(end..<source.file.count) }
    }
  }
}
