package org.apache.spark.ordered

import scala.collection.mutable
import scala.reflect.ClassTag

import org.apache.spark.{SparkConf, SparkContext, TaskContext}
import org.apache.spark.rdd.RDD
import org.apache.spark.util.DoubleAccumulator

/** A SparkContext whose actions see the partitions' results in the order of the partitions.
  *
  * Spark hands a result over as soon as its task is done. `aggregate`, `fold`, `reduce` and `treeAggregate` merge
  * what they are handed, so that the last bits of a sum of fractions follow from which task was the quickest.
  */
class OrderedSparkContext(conf: SparkConf) extends SparkContext(OrderedExecution.checked(conf)) {

  /** Every action of an RDD ends here; the other overloads of `runJob` call this one.
    *
    * Contract: `resultHandler` is called once for each of `partitions`, by one thread at a time, with the index in
    * `partitions` and the result. Tasks that are tried again or run twice do not call it twice. Kept here: each of
    * that; and the indices come in order. A result that comes early waits, as it would in the array of `collect`.
    */
  override def runJob[T, U: ClassTag](
      rdd: RDD[T],
      func: (TaskContext, Iterator[T]) => U,
      partitions: Seq[Int],
      resultHandler: (Int, U) => Unit): Unit = {
    val early = mutable.Map.empty[Int, U]
    var next = 0
    val inOrder = (index: Int, result: U) =>
      early.synchronized {
        early(index) = result
        while (early.contains(next)) {
          resultHandler(next, early.remove(next).get)
          next += 1
        }
      }
    super.runJob(rdd, func, partitions, inOrder)
  }

  /** Contract of both: a registered accumulator that begins with zero. Tasks add to it as they end; this one adds up what
    * they gave in the order of their partitions.
    */
  override def doubleAccumulator: DoubleAccumulator = {
    val made = new OrderedDoubleAccumulator
    register(made)
    made
  }

  override def doubleAccumulator(name: String): DoubleAccumulator = {
    val made = new OrderedDoubleAccumulator
    register(made, name)
    made
  }
}
